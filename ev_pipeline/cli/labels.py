"""A session's labels and why it has them, as a person reads them.

What lives here: the lines that `predict` and `why` print of one session. What does not: what is
said (`intake.prediction`).
"""

from collections.abc import Iterator
from typing import Any, Final

from rich.markup import escape

from ev_pipeline.cli.output import results
from ev_pipeline.domain.models.wording import amount, clock, stay

_WIDTH: Final = 14
"""Of the names of what is said."""

_DECIDES: Final = 0.25
"""Share of the difference between two centres from which a feature is named."""

_NAMES: Final = {
    "start_hour": "starts at",
    "duration_h": "stays",
    "energy_kwh": "takes",
    "mean_power_kw": "at",
}
_UNITS: Final = {"energy_kwh": "kWh", "mean_power_kw": "kW"}


def print_names(told: dict[str, Any], *, otherwise: str) -> None:
    """Print the ids that the session is known by, unbroken, however long they are."""
    names = (told.get("source_session_id"), told.get("session_id"))
    known_by = [name for name in names if name] or [otherwise]
    results.print(escape(", ".join(known_by)), soft_wrap=True)


def print_line(what: str, said: str) -> None:
    """Print one thing that there is to say of it."""
    results.print(f"  {what:<{_WIDTH}}{escape(said)}", soft_wrap=True)


def lines_of_labels(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say of a session's labels: each thing's name, and what is said."""
    yield "cluster", f"{told['cluster_name'] or told['kmeans_cluster']} ({told['distance']:.2f})"
    following = told["cluster_reasons"]["centres"][1]["cluster_name"] or told["next_cluster"]
    yield "next cluster", f"{following} ({told['next_distance']:.2f})"
    yield "decided by", _why(told["cluster_reasons"]["features"])
    yield "density", "noise" if told["dbscan_cluster"] < 0 else str(told["dbscan_cluster"])
    yield "anomaly", f"{'yes' if told['is_anomaly'] else 'no'}, {told['anomaly_score']:.3f}"
    yield from (("odd", reason["message"]) for reason in told["anomaly_reasons"])
    if told["quality_codes"]:
        yield "flagged", ", ".join(told["quality_codes"])


def _why(features: list[dict[str, Any]]) -> str:
    """What decides for the cluster against the next nearest, with what is typical of both."""
    deciding = [each for each in features if each["share"] >= _DECIDES] or features[:1]
    return "; ".join(
        f"{_NAMES[each['feature']]} {_said(each['feature'], each['value'])}"
        f" (typical {_said(each['feature'], each['typical'])},"
        f" of the next {_said(each['feature'], each['next_typical'])})"
        for each in deciding
    )


def _said(feature: str, value: float) -> str:
    if feature == "start_hour":
        return clock(value)
    return stay(value) if feature == "duration_h" else amount(value, _UNITS[feature])
