"""Exporting sessions beside COPY of the same rows: seconds, and the most memory that it takes.

Run with `python benchmarks/export.py --rows 10000 100000 1000000`. What lives here: the command in
a process of its own, and its marks. What does not: the server (`loading.server`), the table
(`figures`).

The generated sessions are in canonical form with every field filled. Memory is the greatest
resident set of the command's process; what it takes without any session is shown beside it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.figures import Figures, Mark
from benchmarks.loading.files import make_files
from benchmarks.loading.server import Server, running
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.tables.sessions import ev_session

DEFAULT_ROWS: Final = [10_000, 100_000]
"""Enough to see growth; a million takes minutes, and is asked for by `--rows`."""

LOADED: Final = 10_000
"""Sessions that are loaded; more are copies of them at other times."""

FORMATS: Final = ("csv", "parquet", "ocpi")
PARTY: Final = {
    "EV_OCPI_COUNTRY_CODE": "PT",
    "EV_OCPI_PARTY_ID": "EXA",
    "EV_OCPI_COUNTRY": "PRT",
    "EV_OCPI_CITY": "Lisboa",
    "EV_OCPI_ADDRESS": "Rua de Exemplo 1",
    "EV_OCPI_LATITUDE": "38.7",
    "EV_OCPI_LONGITUDE": "-9.1",
}
NO_ROWS: Final = ("--from", "1971-01-01", "--to", "1971-01-01")

MARKS: Final = {(f"{name}: memory", "MiB"): Mark(600) for name in FORMATS}
"""Bounded: no more for a million sessions than for any number that fills the buffers."""


def main() -> None:
    """Print one table of every format at every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS)
    wanted = parser.parse_args()
    figures = Figures(MARKS)
    with running() as server, tempfile.TemporaryDirectory() as folder:
        for rows in sorted(wanted.rows):
            settings = _filled(server, rows, Path(folder))
            for name in FORMATS:
                path = Path(folder) / f"sessions.{name}"
                _, idle_mib = _export(settings, name, path, *NO_ROWS)
                seconds, mib = _export(settings, name, path)
                figures.note(rows, f"{name}: whole command", seconds)
                figures.note(rows, f"{name}: file", path.stat().st_size / 1e6, "MB")
                figures.note(rows, f"{name}: memory", mib, "MiB")
                figures.note(rows, f"{name}: memory without sessions", idle_mib, "MiB")
            figures.note(rows, "COPY to CSV in the same order", _copy_s(settings))
        print(f"PostgreSQL {server.version()}")
        figures.print()


def _filled(server: Server, rows: int, folder: Path) -> Settings:
    """A database with about so many generated sessions, each loaded one as often as needed."""
    settings = server.copy("filled")
    files = next(make_files(min(rows, LOADED), folder))
    engine = connect(settings)
    load_file(engine, settings, files.mapping, files.fill)
    changed = {
        "session_id": "gen_random_uuid()",
        "source_session_id": "source_session_id || '-' || copy",
        **{name: f"{name} + copy * interval '1 hour'" for name in ("started_at", "ended_at")},
    }
    names = [column.name for column in ev_session.c]
    columns, values = (", ".join(each) for each in (names, [changed.get(n, n) for n in names]))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"insert into ev_session ({columns}) select {values}"
            f" from ev_session, generate_series(1, {rows // LOADED - 1}) copy"
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze ev_session")
    engine.dispose()
    return settings


def _export(settings: Settings, name: str, path: Path, *words: str) -> tuple[float, float]:
    """Seconds of the whole command, and MiB of its greatest resident set."""
    command = (
        *(sys.executable, "-m", "ev_pipeline.cli.main", "export", "sessions"),
        *("--format", name, "--output", str(path), *words),
    )
    environment = {**os.environ, **PARTY, "EV_DATABASE_URL": str(settings.database_url)}
    since = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the export as {name} ended with {process.returncode}")
    return time.perf_counter() - since, usage.ru_maxrss / 1024


def _copy_s(settings: Settings) -> float:
    """Seconds in which PostgreSQL hands out the same rows by itself."""
    engine = connect(settings)
    since = time.perf_counter()
    with engine.connect() as connection, Path(os.devnull).open("wb") as nowhere:
        connection.connection.cursor().copy_expert(
            "copy (select * from ev_session order by started_at, session_id)"
            " to stdout (format csv)",
            nowhere,
        )
    seconds = time.perf_counter() - since
    engine.dispose()
    return seconds


if __name__ == "__main__":
    main()
