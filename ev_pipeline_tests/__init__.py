"""Tests; the folders mirror `ev_pipeline/`."""
