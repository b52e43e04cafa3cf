"""Tests of `ev_pipeline/assets`."""
