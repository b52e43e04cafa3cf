"""Measures, each beside its mark: what `make bench` runs, one file after the other."""
