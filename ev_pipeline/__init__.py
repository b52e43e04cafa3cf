"""Electric-vehicle charging sessions: checked, stored once, understood and shown."""

import gc

gc.set_threshold(20_000, 20, 20)
"""Python looks for cycles after 700 new objects, of which an import makes a million that stay: a
seventh of each program's start went into that, and stops of 25 ms into a stream's large batches."""
