"""The outbox's file: its tables, and how it is opened.

What lives here: SQLite's side of it. What does not: what is written when (`outbox`).
"""

import sqlite3
from pathlib import Path
from typing import Final

FILE: Final = "outbox.sqlite"
"""Its name in the outbox's directory."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS run (
    name TEXT PRIMARY KEY, job TEXT NOT NULL UNIQUE, seed INTEGER NOT NULL,
    next_row INTEGER NOT NULL DEFAULT 0, n_made INTEGER NOT NULL DEFAULT 0,
    is_over INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY, place INTEGER NOT NULL, run TEXT NOT NULL, account TEXT NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL, message_id TEXT, payload BLOB NOT NULL,
    refused_code INTEGER
);
CREATE INDEX IF NOT EXISTS message_in_order ON message (account, place, number)
    WHERE refused_code IS NULL;
CREATE TABLE IF NOT EXISTS held (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS accepted (
    run TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (
    run TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (run, what, detail)
) WITHOUT ROWID;
"""


def opened(path: Path) -> sqlite3.Connection:
    """The file, kept from other processes; what is committed outlives a loss of power."""
    db = sqlite3.connect(path, timeout=0)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        db.commit()
    except sqlite3.Error:
        db.close()
        raise
    return db
