"""Every table, once: names, types, units, constraints and what each column means."""
