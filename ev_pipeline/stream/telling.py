"""The teller in a process of its own, so that what it works out never keeps the worker waiting.

Threads of one process share one interpreter: while the teller's compute panels, the worker's waits
for it some hundred times a batch. The process gets the settings as the first line of its standard
input, then a line for each change, and at the end one without anything; if the worker is gone
without that, so is the process. What lives here: both sides of that. What does not: what is told,
and when (`teller`).
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from types import TracebackType
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.stack.process import python_module
from ev_pipeline.storage.engine import make_engine
from ev_pipeline.stream.log import log_to
from ev_pipeline.stream.teller import ROUND_INTERVAL_S, Teller
from ev_pipeline.stream.unforeseen import Unforeseen

END_WITHIN_S: Final = 10.0
"""s; by then a last round is told, or database or broker are away."""

NICENESS: Final = 5
"""What tells gets a third of the time that what stores gets, where both want the same core."""

_MODULE: Final = "ev_pipeline.stream.telling"
_END: Final = b""
"""The line that asks it to end."""

_INPUT: Final = 0
_MOST_BYTES: Final = 1 << 16
"""Of one reading of the input: what a pipe holds."""

_LOG: Final = logging.getLogger(__name__)


class TellerProcess(AbstractContextManager["TellerProcess"]):
    """A teller that runs beside this process, and ends with it.

    Args:
        settings: what it goes by.
        state: what the worker knows of itself.
        on_end: hears that it has ended without having been asked to.
    """

    def __init__(
        self, settings: Settings, state: Callable[[], StreamState], on_end: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._state = state
        self._on_end = on_end
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._watch_it, name="telling")
        self._process: subprocess.Popen[bytes] | None = None
        self._input: int | None = None
        self._input_lock = threading.Lock()
        self._ended_with: int | None = None

    def __enter__(self) -> Self:
        """It is on its way, and tells as soon as it is there."""
        theirs, self._input = os.pipe()
        self._process = subprocess.Popen(python_module(_MODULE), stdin=theirs)  # noqa: S603 -- this very file
        os.close(theirs)
        self._say(self._settings.model_dump_json().encode())
        os.set_blocking(self._input, False)
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The last changes are told, if it can be done in time.

        Raises:
            PipelineError: it had ended before, unless something else went wrong, too.
        """
        self._ending.set()
        self._watch.join()
        self.note_change()
        self._end()
        if self._ended_with is not None and error is None:
            raise PipelineError(
                f"the stream ends: its teller has ended (exit code {self._ended_with})",
                mend="it may be started again; its log says why, unless it was killed",
            )

    def note_change(self) -> None:
        """Something was committed."""
        self._tell(is_change=True)

    def _end(self) -> None:
        """It has ended, by itself or not."""
        self._say(_END)
        with self._input_lock:
            if self._input is not None:
                os.close(self._input)
            self._input = None
        if self._process is None:
            return
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            _LOG.warning("the last changes are not told: it takes longer than %g s", END_WITHIN_S)
            self._process.kill()
            self._process.wait()

    def _watch_it(self) -> None:
        """Say each second how the worker is, for other doors' sessions are told of, too."""
        while not self._ending.wait(ROUND_INTERVAL_S):
            self._ended_with = None if self._process is None else self._process.poll()
            if self._ended_with is not None:
                self._on_end()
                return
            self._tell(is_change=False)

    def _tell(self, *, is_change: bool) -> None:
        told = {"is_change": is_change, "state": asdict(self._state())}
        self._say(json.dumps(told).encode())

    def _say(self, line: bytes) -> None:
        """Write the line at once, or leave it: who does not read has enough to read."""
        with self._input_lock, contextlib.suppress(BlockingIOError, BrokenPipeError):
            if self._input is not None:
                os.write(self._input, line + b"\n")


def main() -> None:
    """Tell until the worker asks to end; what stops the worker is no business of this process."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    os.nice(NICENESS)
    log_to(sys.stderr)
    lines = _lines()
    settings = Settings.model_validate_json(next(lines))
    try:
        _tell_until_asked_to_end(settings, lines)
    except PipelineError as error:
        _LOG.warning("the teller has ended: %s", error)
        sys.exit(1)


def _tell_until_asked_to_end(settings: Settings, lines: Iterator[bytes]) -> None:
    ended = threading.Event()
    worker = _Worker(ended.set)
    threading.Thread(target=worker.hear, args=(lines,), name="hearing", daemon=True).start()
    engine = make_engine(settings, is_parallel=False)
    with Unforeseen(ended.set) as unforeseen, Teller(engine, settings, worker.state) as teller:
        worker.on_change = teller.note_change
        ended.wait()
    engine.dispose()
    unforeseen.raise_first()


class _Worker:
    """The worker, as it has said last that it is.

    Args:
        on_end: hears that it asks to end.
        on_change: hears of what it stores.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._on_end = on_end
        self._state = StreamState(0, 0, None, None)

    def state(self) -> StreamState:
        """How it was a second ago or less."""
        return self._state

    def hear(self, lines: Iterator[bytes]) -> None:
        """Pass on what it says until it asks to end, or is gone."""
        for line in lines:
            if line == _END:
                self._on_end()
                return
            told = json.loads(line)
            self._state = StreamState(**told["state"])
            if told["is_change"]:
                self.on_change()
        os._exit(1)  # another worker's teller may be there already


def _lines() -> Iterator[bytes]:
    """The lines of the input: Python's own reader would not let the process end while it waits."""
    rest = b""
    while chunk := os.read(_INPUT, _MOST_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


if __name__ == "__main__":
    main()
