"""The local stack's commands: `up`, `down` and `demo`.

What lives here: options, and what a person is told. What does not: any service (`stack`).
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from ev_pipeline.cli.migrate import bring_up_to_date
from ev_pipeline.cli.output import messages
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings, load_settings
from ev_pipeline.stack import background
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.logs import log_path
from ev_pipeline.stack.process import python_module
from ev_pipeline.stack.purge import purge, require_ours, size_bytes
from ev_pipeline.stack.state import read_state


def up(
    *,
    no_simulator: Annotated[
        bool,
        typer.Option(
            "--no-simulator",
            help="Do not play a charging station; later starts of this home do not either, "
            "unless EV_SIMULATOR=true says so.",
        ),
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything works; stop with `down`.")
    ] = False,
    is_background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
) -> None:
    """Start the local stack and keep it alive; Ctrl-C stops it.

    Example: ev-pipeline up --no-simulator --detach
    """
    settings = load_settings()
    if no_simulator:
        settings = settings.model_copy(update={"simulator": False})
    _require_schedule(settings)
    if detach:
        try:
            background.start(
                _command(no_simulator=no_simulator), is_bound_to_us=False, on_line=_tell
            )
        except ChildProcessError as error:
            raise typer.Exit(1) from error
        _print_addresses(settings)
        return
    _supervise(settings, is_background=is_background)


def down(
    *,
    is_to_purge: Annotated[
        bool,
        typer.Option("--purge", help="Then remove all that it keeps in EV_HOME; asks first."),
    ] = False,
    is_confirmed: Annotated[
        bool, typer.Option("--yes", help="Remove without asking; with --purge.")
    ] = False,
) -> None:
    """Stop the local stack and wait until nothing of it runs.

    Example: ev-pipeline down --purge
    """
    if is_confirmed and not is_to_purge:
        raise typer.BadParameter("--yes goes with --purge")
    settings = load_settings()
    layout = Layout(settings.home)
    if is_to_purge:
        require_ours(layout)
        _confirm_purge(layout, is_confirmed=is_confirmed)
    stopped = background.stop_stack(layout)
    _tell("stopped" if stopped else f"nothing was running in {settings.home}")
    if is_to_purge:
        rest = purge(layout)
        kept = f"; kept what is not the stack's: {', '.join(map(str, rest))}" if rest else ""
        _tell(f"removed what the stack kept in {settings.home}{kept}")


def _confirm_purge(layout: Layout, *, is_confirmed: bool) -> None:
    """Somebody said yes; nobody there to answer is no yes."""
    _tell(
        f"this removes the stack of {layout.home} ({size_bytes(layout) / 1e6:,.0f} MB) for good: "
        "database, models, waiting messages, accounts, certificates, logs"
    )
    if is_confirmed:
        return
    try:
        is_meant = typer.confirm("Remove it?", err=True)
    except typer.Abort:
        messages.print()
        is_meant = False
    if not is_meant:
        raise PipelineError(
            "not confirmed: nothing was stopped or removed",
            mend="answer y, or add --yes",
            where=str(layout.home),
        )


def demo() -> None:
    """Start everything, load and train what EV_BOOTSTRAP names if nothing is there; Ctrl-C stops.

    Example: EV_BOOTSTRAP="canonical:data/sessions.csv" ev-pipeline demo
    """
    started_s = time.monotonic()
    _require_schedule(load_settings())
    interrupts = _count_interrupts()
    try:
        with _bound_stack() as supervisor:
            settings = load_settings()
            _bootstrap_once(settings)
            _print_addresses(settings)
            _tell(f"ready after {time.monotonic() - started_s:.0f} s; Ctrl-C stops everything")
            code = supervisor.wait()
    except (KeyboardInterrupt, PipelineError):
        if not interrupts:
            raise
        _tell("stopped")
        return
    log = log_path(Layout(settings.home), "supervisor")
    raise PipelineError(f"the stack ended by itself (code {code})", mend=f"the reason is in {log}")


def register(app: typer.Typer) -> None:
    """The commands are part of the root."""
    app.command()(up)
    app.command()(down)
    app.command()(demo)


def _require_schedule(settings: Settings) -> None:
    """Definitions that do not load would be found out once the stack waits for them."""
    if "retrain_cron" in settings.model_fields_set:
        from ev_pipeline.automation.cron import require_cron  # noqa: PLC0415 - keeps --help fast

        require_cron(settings.retrain_cron)


def _count_interrupts() -> list[int]:
    """From now on every Ctrl-C and SIGTERM is a `KeyboardInterrupt`, and is in the list."""
    received: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return received


def _supervise(settings: Settings, *, is_background: bool) -> None:
    from ev_pipeline.stack.local import supervise  # noqa: PLC0415 - keeps --help fast

    layout = Layout(settings.home)
    speak = _tell

    def report(line: str) -> None:
        speak(line)

    def when_healthy() -> None:
        nonlocal speak
        if is_background:
            background.go_silent(layout)
            speak = _log
        else:
            _print_addresses(settings)
            _tell("Ctrl-C stops everything")

    supervise(settings, report=report, migrate=_migrate, when_healthy=when_healthy)
    report("stopped")


def _migrate() -> None:
    """The database fits; its address is read anew, since it was written just now."""
    bring_up_to_date(load_settings(), tell=_tell)


@contextmanager
def _bound_stack() -> Iterator[subprocess.Popen[bytes]]:
    """Within, the stack works; it stops with this process, however that ends."""
    try:
        supervisor = background.start(
            _command(no_simulator=False), is_bound_to_us=True, on_line=_tell
        )
    except ChildProcessError as error:
        raise typer.Exit(1) from error
    try:
        yield supervisor
    finally:
        if supervisor.poll() is None:
            _tell("stopping")
            background.stop(supervisor)


def _bootstrap_once(settings: Settings) -> None:
    """What EV_BOOTSTRAP names is loaded and trained on, unless an earlier demo did so."""
    from ev_pipeline.cli.run import run_job  # noqa: PLC0415 - keeps --help fast
    from ev_pipeline.storage.engine import connect  # noqa: PLC0415 - keeps --help fast
    from ev_pipeline.storage.registry import read_champion  # noqa: PLC0415 - keeps --help fast

    engine = connect(settings)
    with engine.connect() as connection:
        champion = read_champion(connection)
    engine.dispose()
    if champion is None:
        run_job(settings, "bootstrap")
    else:
        _tell(f"going on from what is stored (model {champion.version})")


def _command(*, no_simulator: bool) -> list[str]:
    options = ["--no-simulator"] if no_simulator else []
    return python_module("ev_pipeline.cli.main", "up", "--background", *options)


def _tell(line: str) -> None:
    messages.print(escape(line), soft_wrap=True)


def _log(line: str) -> None:
    _tell(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")


def _print_addresses(settings: Settings) -> None:
    for name, service in read_state(Layout(settings.home)).services.items():
        if service.address:
            messages.print(f"  {name:<18} {service.address}", soft_wrap=True)
