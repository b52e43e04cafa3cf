"""What the dashboard shows: built from one snapshot of the database, and handed to a publisher."""
