"""A stream of a test's own: database, broker and worker, each a process that may be killed.

What lives here: starting, killing and finding them again. What does not: what they must have done
(`accounts`).
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ev_pipeline.messaging.durable import establish
from ev_pipeline.settings import ENV_PREFIX, Settings
from ev_pipeline.stack import process
from ev_pipeline.stack.cluster import STOP_SIGNAL, Cluster
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.stream_worker import trouble
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.conftest import free_port, make_home
from ev_pipeline_tests.messaging.listening import unique_id
from ev_pipeline_tests.running_broker import RunningBroker, running_broker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.trained import register

UP_WITHIN_S: Final = 60
"""By when a service that was started again works, s; it takes a few seconds."""

N_BEFORE: Final = 500
"""Sessions that are stored before the first message: what the champion was labelled with."""


@dataclass
class Database:
    """A PostgreSQL server that may be killed."""

    cluster: Cluster
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """How the application reaches it."""
        url = self.cluster.credentials.urls[OWNER.file]
        return Settings(
            home=self.cluster.layout.home,
            database_url=url.render_as_string(hide_password=False),
            postgres_port=self.cluster.port,
        )

    def start(self) -> None:
        """It answers, having mended what a kill left; what is left of the old one may take a while.

        A server whose processes are not all gone, or whose disk is full, ends at once: then it is
        started again.
        """

        def is_up() -> bool:
            if self.process is None or self.process.poll() is not None:
                self.process = process.start(
                    self.cluster.command,
                    environment=self.cluster.environment,
                    log=self.cluster.layout.logs / "postgres.log",
                    directory=self.cluster.layout.home,
                    account=self.cluster.account,
                    stop_signal=STOP_SIGNAL,
                )
            return self.cluster.trouble() is None

        wait_until(is_up, within_s=UP_WITHIN_S)

    def kill(self) -> None:
        """Its first process is gone, and the others follow it as soon as they notice."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """It has ended, everything written."""
        if self.process:
            process.stop(self.process, stop_signal=STOP_SIGNAL, deadline_s=30)
            self.process = None


@dataclass
class WorkerProcess:
    """`ev-pipeline stream`, started again as the supervisor would.

    Args:
        settings: where its database and broker are for it.
        log: what it prints.
    """

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None
    codes: list[int] = field(default_factory=list)

    def spawn(self) -> subprocess.Popen[bytes]:
        """It runs; nobody waits for it to be up."""
        settings = self.settings
        ours = {
            "EV_HOME": settings.home,
            "EV_DATABASE_URL": settings.database_url,
            "EV_MQTT_HOST": settings.mqtt_host,
            "EV_MQTT_PORT": settings.mqtt_port,
            "EV_MQTT_USERNAME": settings.mqtt_username,
            "EV_MQTT_PASSWORD": settings.mqtt_password,
            "EV_MQTT_CA_FILE": settings.mqtt_ca_file,
            "EV_MQTT_CLIENT_ID": settings.mqtt_client_id,
            "EV_METRICS_PORT": settings.metrics_port,
        }
        others = {name: text for name, text in os.environ.items() if ENV_PREFIX not in name}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ev_pipeline.cli.main", "stream"],
                env=others | {name: str(value) for name, value in ours.items()},
                stdout=log,
                stderr=log,
                preexec_fn=process.dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 -- it only calls the kernel
            )
        return self.process

    def be_up(self) -> None:
        """It takes sessions; one that has ended meanwhile was started again."""

        def is_up() -> bool:
            if self.process is None or self.process.poll() is not None:
                if self.process is not None:
                    self.codes.append(self.process.returncode)
                self.spawn()
            return trouble(self.settings.metrics_port) is None

        wait_until(is_up, within_s=UP_WITHIN_S)

    def end(self, how: signal.Signals) -> int:
        """It has ended; returns its exit code."""
        assert self.process
        self.process.send_signal(how)
        code = self.process.wait(UP_WITHIN_S)
        self.process = None
        return code


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

    database: Database
    broker: RunningBroker
    worker: WorkerProcess
    engine: sa.Engine
    champion: str

    def restart_everything(self) -> None:
        """As after a power cut: all were killed at once, and all are started."""
        assert self.worker.process
        self.worker.end(signal.SIGKILL)
        self.database.kill()
        self.broker.stop(signal.SIGKILL)
        self.database.start()
        self.broker.start()
        self.worker.be_up()

    def said(self) -> str:
        """What the worker has printed."""
        return self.worker.log.read_text(errors="replace")


def worker_of(
    database: Settings, broker: RunningBroker, log: Path, client_id: str | None = None
) -> WorkerProcess:
    """A worker on them that does not run yet."""
    reached = broker.reached_by("stream", database).model_copy(
        update={
            "home": broker.settings.home,
            "mqtt_client_id": client_id or unique_id(),
            "metrics_port": free_port(),
        }
    )
    return WorkerProcess(reached, log)


@contextmanager
def own_database(home: Path) -> Iterator[tuple[Database, sa.Engine, str]]:
    """Within, a server with some labelled sessions; its name for the champion comes with it."""
    database = Database(prepare(Settings(home=home, postgres_port=free_port())))
    try:
        database.start()
        engine = connect(database.settings)
        migrate(engine)
        with engine.begin() as connection:
            store(connection, sample_sessions()[:N_BEFORE])
        version = register(engine, 1)
        promote(engine, version, reason="first", promoted_at=datetime.now(UTC))
        yield database, engine, version
        engine.dispose()
    finally:
        database.stop()


@contextmanager
def installed(tmp_path: Path, database_home: Path | None = None) -> Iterator[Installation]:
    """Within, everything runs, and sessions are kept for the worker.

    Args:
        tmp_path: where the worker's log lies.
        database_home: where the database lies, if the place matters.
    """
    home = database_home or make_home()
    with ExitStack() as parts:
        parts.callback(shutil.rmtree, home, ignore_errors=True)
        database, engine, champion = parts.enter_context(own_database(home))
        broker = parts.enter_context(running_broker(make_home(), free_port()))
        worker = worker_of(database.settings, broker, tmp_path / "worker.log")
        assert worker.settings.mqtt_client_id
        establish(broker.login("stream"), worker.settings.mqtt_client_id)
        try:
            worker.be_up()
            yield Installation(database, broker, worker, engine, champion)
        finally:
            if worker.process and worker.process.poll() is None:
                worker.end(signal.SIGKILL)
