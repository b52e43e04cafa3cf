"""A search for a text in everything that is kept."""

import json
from pathlib import Path

import sqlalchemy as sa

_TABLES = """
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = 'public' order by 1
"""


def tables_with(engine: sa.Engine, text: str) -> list[str]:
    """The tables in which any column holds the text, in words or in bytes."""
    found = []
    with engine.connect() as connection:
        for table in connection.execute(sa.text(_TABLES)).scalars().all():
            query = f"""
                select count(*) from {table} t
                where strpos(t::text, :text) > 0 or strpos(t::text, :bytes) > 0
                    or strpos(t::text, :escaped) > 0
                    or strpos(replace(t::text, :backslash, ''), :bare) > 0
            """
            escaped = json.dumps(text)[1:-1]
            names = {
                "text": text,
                "bytes": text.encode().hex(),
                "escaped": escaped.encode().hex(),
                "backslash": "\\",
                "bare": escaped.replace("\\", ""),
            }
            if connection.execute(sa.text(query), names).scalar_one():
                found.append(table)
    return found


def files_with(folder: Path, text: str) -> list[Path]:
    """The files below the folder that hold the text, or are named so."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text in path.name or text.encode() in path.read_bytes()]
