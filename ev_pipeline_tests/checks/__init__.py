"""Tests of `ev_pipeline/checks`."""
