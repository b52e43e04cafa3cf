"""Tests of `ev_pipeline/automation`."""
