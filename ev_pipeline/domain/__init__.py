"""What charging sessions are and mean, as pure functions: no clock, no environment, no I/O."""
