"""An error that nobody foresaw ends the worker, whichever of its threads meets it.

A thread that ended alone would leave a worker that looks well: one that ends is started again by
its supervisor. What lives here: noticing it. What does not: faults that pass, which each part
handles itself.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stream.log import FIELDS

_LOG: Final = logging.getLogger(__name__)


class Unforeseen:
    """Errors that end threads, from the libraries' ones too, while the context lasts.

    Args:
        stop: asks the worker to end.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._before = threading.excepthook
        self._first: PipelineError | None = None

    def __enter__(self) -> Self:
        """They are noticed from now on."""
        self._before, threading.excepthook = threading.excepthook, self._end
        return self

    def __exit__(self, *_: object) -> None:
        """They are somebody else's again."""
        threading.excepthook = self._before

    def raise_first(self) -> None:
        """Pass only if there was none.

        Raises:
            PipelineError: there was one; says where.
        """
        if self._first is not None:
            raise self._first

    def _end(self, error: threading.ExceptHookArgs) -> None:
        """Log the first without its words, which may hold somebody's data, and end the worker."""
        if self._first is not None:
            return
        part = error.thread.name if error.thread else "a thread"
        what = f"the stream ends: {part} met an error ({error.exc_type.__name__})"
        self._first = PipelineError(
            what, mend="it may be started again; report the trace in its log"
        )
        frames = extract_tb(error.exc_traceback)
        trace = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
        _LOG.critical("%s", what, extra={FIELDS: {"trace": trace}})
        self._stop()
