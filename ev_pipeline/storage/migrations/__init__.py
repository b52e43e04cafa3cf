"""Alembic migrations: the schema's versions in order, each frozen once it is released."""
