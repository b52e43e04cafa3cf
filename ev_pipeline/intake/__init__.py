"""Intake: decoded records are validated, stored, quarantined and counted, by whichever door."""
