"""The parts of the benchmark of loads."""
