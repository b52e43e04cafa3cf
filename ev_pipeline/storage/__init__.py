"""Tables, migrations and bulk reads and writes of PostgreSQL; no rule about charging lives here."""
