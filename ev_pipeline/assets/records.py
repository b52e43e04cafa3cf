"""Group records: stations and sessions, as they were stored.

What lives here: loading the files that a bootstrap names, and saying what is stored.
What does not: reading, checking and storing a file (`intake`).
"""

from pathlib import Path
from time import perf_counter
from typing import Any, Final

import dagster as dg
import sqlalchemy as sa

from ev_pipeline.assets.bootstrap import NamedFile, parse_bootstrap
from ev_pipeline.assets.metadata import OWNERS, markdown_table, of_rows, of_table
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.load import load_file
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.storage.tables import sessions, stations

GROUP: Final = "records"
_KINDS: Final = {"postgres"}
_REGISTRIES: Final = {"station", "site"}
_SESSIONS: Final = {"session"}


class FileToLoad(dg.Config):
    """A file, and the mapping to read it by; both as `ev-pipeline load` takes them."""

    source: str
    path: str


class FilesToLoad(dg.Config):
    """The files of one run, in place of those that `EV_BOOTSTRAP` names."""

    files: list[FileToLoad] | None = None

    def named(self, settings: Settings) -> list[NamedFile]:
        """The run's own files, else those of the settings."""
        if self.files is None:
            return parse_bootstrap(settings.bootstrap, relative_to=Path.cwd())
        return [NamedFile(file.source, Path(file.path)) for file in self.files]


@dg.asset(
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    code_version="1",
    metadata=of_table(stations.ev_station),
)
def ev_station(
    config: FilesToLoad, database: Database, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Charging stations: those that a registry names, and those that only sessions name."""
    return _loaded(config.named(settings), database, settings, _REGISTRIES, stations.ev_station)


@dg.asset(
    deps=[ev_station],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    code_version="1",
    metadata=of_table(sessions.ev_session),
)
def ev_session(
    config: FilesToLoad, database: Database, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """Every charging session that passed validation, once, whichever door it came in by."""
    return _loaded(config.named(settings), database, settings, _SESSIONS, sessions.ev_session)


def _loaded(
    named: list[NamedFile],
    database: Database,
    settings: Settings,
    records: set[str],
    table: sa.Table,
) -> dg.MaterializeResult[None]:
    since = perf_counter()
    with database.engine() as engine:
        loads = _load(engine, settings, named, records)
        with engine.connect() as connection:
            n_rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return dg.MaterializeResult(
        metadata=of_rows(n_rows, since=since, files_loaded=len(loads), loads=markdown_table(loads))
    )


def _load(
    engine: sa.Engine, settings: Settings, named: list[NamedFile], records: set[str]
) -> list[dict[str, Any]]:
    """Load the files that hold such records; what can be read is stored, whatever else cannot.

    Raises:
        PipelineError: a file could not be read, after the others were loaded.
    """
    loads: list[dict[str, Any]] = []
    errors: list[PipelineError] = []
    for file in named:
        try:
            mapping = load_mapping(file.source)
            if mapping.records not in records:
                continue
            result = load_file(engine, settings, mapping, file.path)
        except PipelineError as error:
            errors.append(error)
            continue
        counts = result.tally.counts.as_columns()
        loads.append({"file": file.path.name, "source": mapping.name, **counts})
    if errors:
        raise errors[0]
    return loads
