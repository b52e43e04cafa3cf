"""From decoded records to stored, quarantined and counted ones; the same code for every door."""
