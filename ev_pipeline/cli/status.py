"""What is up, what is wrong: `status` and `doctor`.

What lives here: the documents and tables that they print. What does not: looking (`stack`).
"""

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ev_pipeline.cli.output import messages, print_json, print_table, results
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings, load_settings
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.state import ServiceState, StackState, read_state

if TYPE_CHECKING:
    from ev_pipeline.stack.doctor import Finding
    from ev_pipeline.stream.status_figures import StreamFigures


@dataclass(frozen=True)
class _Stored:
    """What the database says; null fields where it says nothing.

    Args:
        ledger: the sums over everything that came in.
        by_kind: the same, apart for sessions and stations.
        champion: the model whose labels are shown.
        trouble: why the database says nothing.
    """

    ledger: dict[str, int] | None = None
    by_kind: dict[str, dict[str, int]] = field(default_factory=dict)
    champion: dict[str, Any] | None = None
    trouble: str | None = None


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Show what is up; exit code 0 if everything works, else 1.

    Example: ev-pipeline status --json
    """
    from ev_pipeline.stack.certificates import expiries  # noqa: PLC0415 - keeps --help fast
    from ev_pipeline.stack.dagster_home import CODE  # noqa: PLC0415 - the same
    from ev_pipeline.stack.services import SERVICE_NAMES  # noqa: PLC0415 - the same
    from ev_pipeline.stream.status_figures import StreamFigures  # noqa: PLC0415 - the same

    settings = load_settings()
    state = read_state(Layout(settings.home))
    stored = _read_stored(settings)
    stream = StreamFigures.read_from(settings.metrics_port)
    is_healthy = state.is_healthy(time.time()) and stored.trouble is None
    services = {name: state.services.get(name, ServiceState("stopped")) for name in SERVICE_NAMES}
    certificates = [asdict(each) for each in expiries(Layout(settings.home))]
    if as_json:
        services.pop(CODE)  # a part of Dagster, whose two services the contract names
        document = _document(services, stored, is_healthy=is_healthy)
        print_json({**document, **asdict(stream), "certificates": certificates})
    else:
        _print_status(settings, state, services, stored)
        _print_stream(stream)
        for each in certificates:
            results.print(f"Certificate: {each['name']} until {each['expires_at']:%Y-%m-%d}")
    if not is_healthy:
        raise typer.Exit(1)


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Look for what is wrong with the local stack, and say how to mend it.

    Example: ev-pipeline doctor
    """
    from ev_pipeline.stack.doctor import CHECKS, examine  # noqa: PLC0415 - keeps --help fast

    settings = load_settings()
    findings = [examine(name, check, settings) for name, check in CHECKS.items()]
    if as_json:
        print_json({"healthy": all(found.is_ok for found in findings), "checks": _told(findings)})
    else:
        _print_findings(findings)
    if not all(found.is_ok for found in findings):
        raise typer.Exit(1)


def _told(findings: list["Finding"]) -> list[dict[str, Any]]:
    return [
        {"check": found.name, "ok": found.is_ok, "found": found.what, "mend": found.mend}
        for found in findings
    ]


def _print_findings(findings: list["Finding"]) -> None:
    """A line each, whatever the terminal's width: what is wrong is to be found by `grep`."""
    width = max(len(found.name) for found in findings)
    for found in findings:
        is_ok = found.is_ok
        word, mend = ("[green]ok[/green]   ", "") if is_ok else ("[red]WRONG[/red]", found.mend)
        said = escape("; ".join(filter(None, (found.what, mend))))
        results.print(f"{word} {found.name:<{width}}  {said}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    """The commands are part of the root."""
    app.command()(status)
    app.command()(doctor)


def _document(
    services: dict[str, ServiceState], stored: _Stored, *, is_healthy: bool
) -> dict[str, Any]:
    """The contract's document, but for what only the stream knows."""
    return {
        "healthy": is_healthy,
        "services": {
            name: {key: value for key, value in asdict(each).items() if key != "detail"}
            for name, each in services.items()
        },
        "ledger": stored.ledger,
        "champion": stored.champion,
    }


def _print_stream(stream: "StreamFigures") -> None:
    said = []
    if stream.queue_depth is not None:
        said.append(f"{stream.queue_depth:,} messages wait at the broker")
    if stream.lag_seconds is not None:
        said.append(f"lag {stream.lag_seconds:.3f} s")
    if said:
        results.print(f"Stream: {', '.join(said)}", soft_wrap=True)


def _print_status(
    settings: Settings, state: StackState, services: dict[str, ServiceState], stored: _Stored
) -> None:
    rows = [
        (name, each.state, each.pid, each.address, each.detail) for name, each in services.items()
    ]
    print_table(["Service", "State", "Process", "Address", "Trouble"], rows)
    if state.supervisor is None:
        messages.print(f"not running in {settings.home}; `ev-pipeline up` starts it")
    if stored.ledger is not None:
        for kind, counts in stored.by_kind.items():
            told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            results.print(f"{kind.capitalize()}: {told}", soft_wrap=True)
        champion = stored.champion
        text = (
            f"{champion['version']}, trained {champion['trained_at']:%Y-%m-%d %H:%M} UTC"
            if champion
            else "none yet; `ev-pipeline run retrain` trains one"
        )
        results.print(f"Champion: {text}", soft_wrap=True)
    elif state.supervisor is not None:
        messages.print(f"no figures: {stored.trouble}", soft_wrap=True, markup=False)


def _read_stored(settings: Settings) -> _Stored:
    from ev_pipeline.storage.engine import connect, require_schema  # noqa: PLC0415 - keeps --help fast
    from ev_pipeline.storage.ledger import read_totals  # noqa: PLC0415 - the same
    from ev_pipeline.storage.registry import read_champion  # noqa: PLC0415 - the same
    from ev_pipeline.storage.totals import read_totals_by_kind  # noqa: PLC0415 - the same

    try:
        engine = connect(settings)
        require_schema(engine)
    except PipelineError as error:
        return _Stored(trouble=str(error))
    with engine.connect() as connection:
        totals, champion = read_totals(connection), read_champion(connection)
        by_kind = read_totals_by_kind(connection)
    engine.dispose()
    shown = ("version", "trained_at", "verdict")
    return _Stored(
        totals.as_columns(),
        {kind: counts.as_columns() for kind, counts in by_kind.items()},
        {key: getattr(champion, key) for key in shown} if champion else None,
    )
