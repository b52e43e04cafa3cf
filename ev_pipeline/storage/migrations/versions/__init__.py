"""One module a version of the schema; a released one is never edited."""
