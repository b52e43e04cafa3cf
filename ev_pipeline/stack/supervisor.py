"""Keeps services alive: starts them in order, watches, starts again, stops in reverse.

What lives here: the loop. What does not: which services there are (`services`), or what they do.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack import logs, process
from ev_pipeline.stack.guard import Guard
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.service import Service, State
from ev_pipeline.stack.state import ServiceState, write_state

POLL_STARTING_S: Final = 0.2
"""How often a service that starts is asked whether it works, s."""

POLL_RUNNING_S: Final = 5
"""How often services that work are looked at, s; a death is noticed at once."""

QUICK_DEATH_S: Final = 60
"""Who lives shorter than this did not really start, s."""

MAX_QUICK_DEATHS: Final = 3
"""After so many quick deaths in a row a service counts as failed."""

MAX_DELAY_S: Final = 60
"""The longest pause before a service is started again, s; also a failed one gets its chance."""

TELL_EVERY_S: Final = 15
"""A service that takes longer to start is spoken of so often, s: nobody should think it hangs."""

_STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@dataclass
class _Watched:
    """One service and what became of it."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    state: State = "stopped"
    detail: str = ""
    started_at_s: float = 0
    start_not_before_s: float = 0
    quick_deaths: int = 0
    was_ready: bool = False
    n_told: int = 0


class _Signals:
    """Within, signals are something to wait for, so that none interrupts a stop half-way."""

    def __enter__(self) -> Self:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        self._write = write
        watched = (*_STOPPING, signal.SIGCHLD)
        self._before = {each: signal.signal(each, lambda *_: None) for each in watched}
        self._wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def asks_to_stop(self, timeout_s: float) -> bool:
        """Wait for a signal or the time; whether one asked to stop."""
        select.select([self._read], [], [], timeout_s)
        try:
            return not _STOPPING.isdisjoint(os.read(self._read, 1024))
        except BlockingIOError:
            return False


class Supervisor:
    """Runs services until it is told to stop.

    Args:
        services: what to run, those that others need first.
        layout: where logs and state go.
        lock: descriptor of the stack's lock, which this process holds.
        report: gets one line for people whenever something happens.
        once_ready: what to do, by service, when it works for the first time, before those that
            come after it start.
    """

    def __init__(
        self,
        services: Sequence[Service],
        layout: Layout,
        *,
        lock: int,
        report: Callable[[str], None],
        once_ready: Mapping[str, Callable[[], None]],
    ) -> None:
        self._watched = {service.name: _Watched(service) for service in services}
        self._layout = layout
        self._report = report
        self._once_ready = once_ready
        self._is_complete = False
        self._guard = Guard(lock)

    def run(self, when_healthy: Callable[[], None]) -> None:
        """Everything ran until a signal asked to stop, and nothing of it runs any more.

        Args:
            when_healthy: called once, when every service works.

        Raises:
            PipelineError: if a service does not come up at the start.
        """
        with _Signals() as signals, self._guard:
            try:
                while not signals.asks_to_stop(self._pause_s()):
                    self._step()
                    if not self._is_complete and self._all_running():
                        self._is_complete = True
                        when_healthy()
            finally:
                self._stop_all()

    def _all_running(self) -> bool:
        return all(each.state == "running" for each in self._watched.values())

    def _pause_s(self) -> float:
        return POLL_RUNNING_S if self._all_running() else POLL_STARTING_S

    def _step(self) -> None:
        for watched in self._watched.values():
            if watched.process is None:
                self._start_if_due(watched)
            elif watched.process.poll() is not None:
                self._bury(watched, watched.process)
            else:
                self._look_at(watched)
        self._write_state()

    def _start_if_due(self, watched: _Watched) -> None:
        service = watched.service
        needed = [self._watched[name] for name in service.after]
        is_due = time.monotonic() >= watched.start_not_before_s
        if not is_due or any(each.state != "running" for each in needed):
            return
        watched.process = process.start(
            service.command,
            environment=service.environment,
            log=logs.log_path(self._layout, service.name),
            directory=service.directory,
            account=service.account,
            stop_signal=service.stop_signal,
        )
        self._guard.watch(watched.process.pid, service.stop_signal)
        watched.started_at_s = time.time()
        watched.state = "starting"

    def _look_at(self, watched: _Watched) -> None:
        service = watched.service
        watched.detail = self._probe(service, watched.started_at_s)
        age_s = time.time() - watched.started_at_s
        if watched.detail:
            watched.state = "starting"
            if not self._is_complete and age_s > service.start_deadline_s:
                raise self._did_not_start(watched, f"after {age_s:.0f} s: {watched.detail}")
            if not self._is_complete and age_s > TELL_EVERY_S * (watched.n_told + 1):
                watched.n_told += 1
                self._report(f"{service.name} is starting, {age_s:.0f} s by now: {watched.detail}")
            return
        if not watched.was_ready:
            watched.was_ready = True
            self._report(f"{service.name} works after {age_s:.1f} s")
            self._once_ready.get(service.name, lambda: None)()
        watched.state = "running"
        if age_s > QUICK_DEATH_S:
            watched.quick_deaths = 0

    def _probe(self, service: Service, started_at_s: float) -> str:
        try:
            return service.probe(started_at_s) or ""
        except PipelineError as error:
            if not self._is_complete:
                raise
            return str(error)

    def _bury(self, watched: _Watched, dead: subprocess.Popen[bytes]) -> None:
        name = watched.service.name
        self._end(watched, dead)
        is_quick = time.time() - watched.started_at_s < QUICK_DEATH_S
        watched.quick_deaths = watched.quick_deaths + 1 if is_quick else 1
        has_failed = watched.quick_deaths >= MAX_QUICK_DEATHS
        watched.state = "failed" if has_failed else "stopped"
        line = logs.last_line(logs.log_path(self._layout, name))
        watched.detail = f"ended with code {dead.returncode}: {line}"
        if has_failed and not self._is_complete:
            raise self._did_not_start(watched, f"and {watched.detail}")
        delay_s = min(2.0 ** (watched.quick_deaths - 1), MAX_DELAY_S)
        watched.start_not_before_s = time.monotonic() + delay_s
        self._report(f"{name} {watched.detail}; starting it again in {delay_s:.0f} s")

    def _did_not_start(self, watched: _Watched, how: str) -> PipelineError:
        log = logs.log_path(self._layout, watched.service.name)
        return PipelineError(
            f"{watched.service.name} does not work {how}", mend=f"the reason is in {log}"
        )

    def _end(self, watched: _Watched, running: subprocess.Popen[bytes]) -> None:
        service = watched.service
        process.stop(running, stop_signal=service.stop_signal, deadline_s=service.stop_deadline_s)
        self._guard.forget(running.pid)
        watched.process = None
        watched.state = "stopped"

    def _stop_all(self) -> None:
        for watched in reversed(self._watched.values()):
            if watched.process is not None:
                self._report(f"stopping {watched.service.name}")
                self._end(watched, watched.process)
            self._write_state()

    def _write_state(self) -> None:
        states = {
            name: ServiceState(
                each.state,
                each.process.pid if each.process else None,
                each.service.address,
                each.detail,
            )
            for name, each in self._watched.items()
        }
        try:
            write_state(self._layout, states)
            for name in states:
                logs.bound(logs.log_path(self._layout, name))
        except OSError as error:  # a full disk: the services go on, and `status` sees an old state
            self._report(f"the state cannot be written: {error}")
