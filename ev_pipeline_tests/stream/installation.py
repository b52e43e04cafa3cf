"""A stream of a test's own: database, broker and worker, each a process that may be killed.

What lives here: making, killing and starting them again. What does not: what they must have done
(`accounts`).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ev_pipeline.messaging.durable import client_id, establish
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.conftest import free_port, quick_home
from ev_pipeline_tests.mortal_server import MortalServer, mortal_server
from ev_pipeline_tests.running_broker import RunningBroker, running_broker
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.trained import register
from ev_pipeline_tests.stream.streams import streaming_settings
from ev_pipeline_tests.stream.worker_process import WorkerProcess, running

N_BEFORE: Final = 500
"""Sessions that are stored before the first message: what the champion was labelled with."""

PARTS: Final = ("database", "broker", "worker")
"""What may be killed, in the order in which it is started again."""


@dataclass
class Installation:
    """A whole stream.

    Args:
        database: its database.
        broker: its broker.
        worker: its worker.
        engine: the test's own way to the database.
        champion: the version that labels.
    """

    database: MortalServer
    broker: RunningBroker
    worker: WorkerProcess
    engine: sa.Engine
    champion: str

    def kill(self, *parts: str) -> None:
        """These are gone at once, without a chance to write anything."""
        for part in parts:
            self._lives[part][0]()

    def start_again(self, *parts: str) -> None:
        """These answer again, whichever order they are named in; the worker takes sessions."""
        for part in PARTS:
            if part in parts:
                self._lives[part][1]()
        self.worker.await_up()

    @property
    def _lives(self) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
        """How each is killed, and started again."""
        return {
            "database": (self.database.kill, self.database.start),
            "broker": (self.broker.kill, self.broker.start),
            "worker": (self.worker.kill, self.worker.start),
        }


@contextmanager
def installed(
    tmp_path: Path, database_home: Path | None = None, *, timezone: str = "UTC"
) -> Iterator[Installation]:
    """Within, everything runs, and sessions are kept for the worker.

    Args:
        tmp_path: where the worker's log lies.
        database_home: where the database lies, if the place matters.
        timezone: the reporting zone.
    """
    home = database_home or quick_home()
    with ExitStack() as parts:
        if database_home is None:
            parts.callback(shutil.rmtree, home, ignore_errors=True)
        database = parts.enter_context(mortal_server(home))
        engine = connect(database.settings)
        parts.callback(engine.dispose)
        champion = _first_champion(engine)
        broker = parts.enter_context(running_broker(quick_home(), free_port()))
        own = database.settings.model_copy(update={"timezone": timezone})
        settings = streaming_settings(own, broker)
        establish(broker.login("stream"), client_id(settings))
        worker = WorkerProcess(settings, tmp_path / "worker.log")
        parts.enter_context(running(worker))
        yield Installation(database, broker, worker, engine, champion)


def _first_champion(engine: sa.Engine) -> str:
    """A version that has labelled some sessions."""
    with engine.begin() as connection:
        store(connection, sample_sessions()[:N_BEFORE])
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=datetime.now(UTC))
    return version
