"""Charger clients and the generator of sessions that stand for real ones."""
