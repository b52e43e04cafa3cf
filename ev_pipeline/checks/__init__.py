"""Asset checks: what must be true of the stored data; the data itself is written elsewhere."""
