"""`stream`: the worker in the foreground.

What lives here: the command and its signals. What does not: the worker (`stream`).
"""

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.settings import load_settings
from ev_pipeline.stack.stream_worker import STOP_WITHIN_S

if TYPE_CHECKING:
    from ev_pipeline.stream.running import Stream

_SWITCH_S: Final = 0.0005
"""How long another thread may keep the one that stores waiting for the interpreter, s: a tenth of
Python's own measure, for storing gives it away some hundred times a batch."""

_ONE_THREAD: Final = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A batch is small: to share its work among threads takes longer than the work."""


_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("stream")(stream)


def stream() -> None:
    """Take sessions from the broker: store, label and publish them, until Ctrl-C.

    What was taken is stored before it ends, within 20 seconds, or left to the broker. It logs in as
    the account that EV_MQTT_USERNAME names, else as the local stack's account `stream`.

    Example: ev-pipeline stream
    """
    # Before there are other threads, which begin with what this one blocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    sys.setswitchinterval(_SWITCH_S)
    from ev_pipeline.stream.log import log_to  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stream.running import Stream  # noqa: PLC0415 -- the same

    log_to(sys.stderr)
    settings = load_settings("stream")
    with database(settings, is_parallel=False) as engine:
        running = Stream(engine, settings, is_told_apart=True)
        threading.Thread(target=_await_stop, args=(running,), daemon=True).start()
        running.run()
        signal.alarm(0)


def _await_stop(running: "Stream") -> None:
    """In a thread of its own: a handler would wait for the main one, which may wait for a lock."""
    signal.sigwait(_STOPS)
    signal.alarm(STOP_WITHIN_S)  # ends this process, whatever it waits for
    running.stop()
