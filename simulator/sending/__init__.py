"""Charger clients: what they report, kept on disk until the broker has it."""
