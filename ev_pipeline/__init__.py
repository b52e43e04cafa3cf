"""Electric-vehicle charging sessions: checked, stored once, understood and shown."""
