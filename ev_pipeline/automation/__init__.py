"""Jobs, schedules and sensors: when things run; what they do lives in the assets."""
