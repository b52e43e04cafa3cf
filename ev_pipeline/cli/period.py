"""`period`: what happened from one day to another, for people and programs.

What lives here: options, and the report as a person reads it. What does not: the report
(`panels.period_report`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import print_json, print_table, results

First = Annotated[str, typer.Option("--from", metavar="DATE", help="The first day, YYYY-MM-DD.")]
Last = Annotated[str, typer.Option("--to", metavar="DATE", help="The last day, included.")]
Station = Annotated[str | None, typer.Option("--station", metavar="ID", help="One station only.")]

_COLUMNS: Final = ("day", "sessions", "hours", "mean h", "kWh", "mean kWh", "cost", "refused")


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("period")(period)


def period(
    *,
    first: First,
    last: Last,
    station: Station = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Report on a period: sessions, hours, energy and cost, in all and by day.

    Example: ev-pipeline period --from 2018-01-01 --to 2018-03-31
    """
    report = read_report(first, last, station)
    if as_json:
        print_json(report)
    else:
        _print_report(report, station)


def read_report(first: str, last: str, station: str | None) -> dict[str, Any]:
    """The report that the options ask for.

    Raises:
        PeriodError: they ask for no period, or for a station that nobody knows.
    """
    from ev_pipeline.domain.periods import read_period  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.panels.period_report import report_period  # noqa: PLC0415
    from ev_pipeline.panels.period_request import read_station  # noqa: PLC0415
    from ev_pipeline.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    asked, station_id = read_period(first, last, settings.zone), read_station(station)
    with database(settings) as engine:
        return report_period(engine, settings, asked, station_id)


def _print_report(report: Mapping[str, Any], station: str | None) -> None:
    where = "all stations" if station is None else f"station {escape(station)}"
    title = f"{report['from']} to {report['to']} ({report['timezone']}), {where}"
    total = _cells("in all", report)
    print_table(
        _COLUMNS, [*(_cells(day["day"], day) for day in report["by_day"]), total], title=title
    )
    notes = [
        f"cost in {report['currency']}",
        f"{report['n_cost_null']:,} without a known cost",
        f"{report['n_other_currency']:,} in another currency",
        f"{report['n_excluded']:,} refused, see `ev-pipeline quarantine list`",
    ]
    results.print("; ".join(notes), soft_wrap=True)


def _cells(name: str, measures: Mapping[str, Any]) -> list[str | None]:
    """A row as people read it; --json has every digit."""
    rounded = [
        None if measures[field] is None else f"{measures[field]:,.2f}"
        for field in (
            *("total_duration_h", "mean_duration_h", "total_energy_kwh", "mean_energy_kwh"),
            "total_cost",
        )
    ]
    return [name, f"{measures['n_sessions']:,}", *rounded, f"{measures['n_excluded']:,}"]
