"""Each alert fires when it should, and no other does: by Prometheus's own evaluation of the rules.

Every case is a healthy worker but for what the case says, and names all that fire.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ev_pipeline_tests.watching.prometheus import ALERTS, CONFIGURATION, promtool

NAMES: Final = 'job="ev-stream",instance="here"'


def always(value: float | str, *, minutes: int = 120) -> str:
    """The same value every minute."""
    return f"{value}x{minutes}" if value == "_" else f"{value}+0x{minutes}"


def rising(a_minute: float, *, minutes: int = 120, start: float = 0) -> str:
    """A count that goes up."""
    return f"{start}+{a_minute}x{minutes}"


HEALTHY: Final = {
    "up": always(1),
    "ev_stream_up": always(1),
    "ev_stream_lag_seconds": always(0.02),
    "ev_stream_in_flight": always(0),
    "ev_stream_queue_depth": always(3),
    "ev_stream_queue_bytes": always(1000),
    "ev_stream_queue_limit_messages": always(200_000),
    "ev_stream_queue_limit_bytes": always(500_000_000),
    "ev_stream_broker_dropped_messages": always(0),
    'ev_stream_records_total{decision="stored"}': rising(600),
    'ev_stream_records_total{decision="quarantined"}': rising(12),
    'ev_stream_messages_total{delivery="first"}': rising(612),
    'ev_stream_commit_seconds_bucket{le="0.05"}': rising(600),
    'ev_stream_commit_seconds_bucket{le="0.5"}': rising(600),
    'ev_stream_commit_seconds_bucket{le="+Inf"}': rising(600),
    'ev_stream_champion{version="one"}': always(1),
    "ev_stream_champion_trained_timestamp_seconds": always(0),
    'ev_stream_faults_total{service="postgres"}': always(0),
}
"""Two hours of a worker with nothing wrong, a sample a minute; time begins at 0."""


@dataclass(frozen=True)
class Case:
    """What differs from a healthy worker, and which alerts fire then."""

    what: str
    fires: tuple[str, ...]
    series: Mapping[str, str | None] = field(default_factory=dict)
    at_minute: int = 60
    every_minutes: int = 1


QUEUE: Final = "ev_stream_queue_depth"
BYTES: Final = "ev_stream_queue_bytes"
DROPPED: Final = "ev_stream_broker_dropped_messages"
REFUSED: Final = 'ev_stream_records_total{decision="quarantined"}'
STORED: Final = 'ev_stream_records_total{decision="stored"}'
FIRST: Final = 'ev_stream_messages_total{delivery="first"}'
FAULTS: Final = 'ev_stream_faults_total{service="postgres"}'
TRAINED: Final = "ev_stream_champion_trained_timestamp_seconds"
FAST: Final = 'ev_stream_commit_seconds_bucket{le="0.05"}'
A_DAY: Final = 24 * 12
"""Steps of 5 minutes, in which the cases of two days go."""
SILENT: Final = {
    FIRST: f"{rising(10, minutes=A_DAY)} {always(10 * A_DAY, minutes=A_DAY)}",
    "up": always(1, minutes=2 * A_DAY),
    "ev_stream_up": always(1, minutes=2 * A_DAY),
    'ev_stream_champion{version="one"}': always(1, minutes=2 * A_DAY),
}

CASES: Final = (
    Case("nothing is wrong", ()),
    Case("it does not answer", ("EvStreamWorkerDown",), {"up": always(0)}),
    Case("it did not answer for a minute", (), {"up": f"{always(1, minutes=58)} 0 0 1"}),
    Case("nobody is asked", ("EvStreamWorkerDown",), {"up": None}),
    Case("it is not connected", ("EvStreamTakesNothing",), {"ev_stream_up": always(0)}),
    Case("it connects anew", (), {"ev_stream_up": f"{always(1, minutes=58)} 0 0 1"}),
    Case(
        "messages wait for long",
        ("EvStreamLag",),
        {"ev_stream_lag_seconds": always(31), "ev_stream_in_flight": always(5)},
    ),
    Case(
        "the last one waited for long, and none waits",
        (),
        {"ev_stream_lag_seconds": always(31)},
    ),
    Case(
        "messages wait, and not for long",
        (),
        {"ev_stream_lag_seconds": always(29), "ev_stream_in_flight": always(5)},
    ),
    Case("half of the messages wait", ("EvBrokerQueueHalfFull",), {QUEUE: always(100_000)}),
    Case("nearly half of the messages wait", (), {QUEUE: always(99_999)}),
    Case("half of the bytes wait", ("EvBrokerQueueHalfFull",), {BYTES: always(250_000_000)}),
    Case(
        "the broker has not said yet what waits",
        (),
        {
            QUEUE: always("NaN"),
            BYTES: always("NaN"),
            DROPPED: always("NaN"),
            "ev_stream_queue_limit_messages": always(0),
            "ev_stream_queue_limit_bytes": always(0),
        },
    ),
    Case(
        "messages were dropped just now",
        ("EvBrokerDroppedMessages",),
        {DROPPED: f"{always(0, minutes=55)} {always(7)}"},
    ),
    Case("messages were dropped an hour ago", (), {DROPPED: f"0 0 0 {always(7)}"}),
    Case(
        "messages were dropped while the worker was away for long",
        ("EvBrokerDroppedMessages",),
        {DROPPED: f"0 0 0 {always('_', minutes=52)} NaN {always(7)}"},
    ),
    Case(
        "the worker is back, and nothing new was dropped",
        (),
        {DROPPED: f"7 7 7 {always('_', minutes=52)} NaN {always(7)}"},
    ),
    Case(
        "a broker that started anew drops fewer than the one before",
        ("EvBrokerDroppedMessages",),
        {DROPPED: f"{always(50, minutes=50)} 0 0 {always(7)}"},
    ),
    Case("a broker started anew", (), {DROPPED: f"{always(50, minutes=50)} {always(0)}"}),
    Case(
        "much is refused, more than ever",
        ("EvQuarantineShareJump",),
        {REFUSED: f"{rising(12, minutes=30)} {rising(300, start=360)}"},
    ),
    Case("much is refused, as always", (), {REFUSED: rising(300)}),
    Case(
        "more is refused, which is still little",
        (),
        {REFUSED: f"{rising(1, minutes=30)} {rising(50, start=30)}"},
    ),
    Case(
        "much of what is refused was next to nothing",
        (),
        {STORED: rising(0.5), REFUSED: f"{rising(0, minutes=30)} {rising(0.5)}"},
    ),
    Case("a commit in ten is slow", ("EvCommitSlow",), {FAST: rising(540)}),
    Case("a commit in a thousand is slow", (), {FAST: rising(599.4)}),
    Case("no model labels", ("EvNoChampion",), {'ev_stream_champion{version="one"}': None}),
    Case(
        "no model labelled for a while",
        (),
        {'ev_stream_champion{version="one"}': f"{always('_', minutes=20)} {always(1)}"},
    ),
    Case("the model is old", ("EvChampionStale",), {TRAINED: always(-60 * 86_400)}, at_minute=90),
    Case("the model is not that old", (), {TRAINED: always(-59 * 86_400)}, at_minute=90),
    Case("nobody says how old the model is", (), {TRAINED: always("NaN")}, at_minute=90),
    Case(
        "the database was away",
        ("EvDatabaseFaults",),
        {FAULTS: f"{always(0, minutes=55)} {always(2)}"},
    ),
    Case("the database was away an hour ago", (), {FAULTS: f"0 0 0 {always(2)}"}),
    Case(
        "nobody reports where some did yesterday",
        ("EvChargersSilent",),
        SILENT,
        at_minute=31 * 60,
        every_minutes=5,
    ),
    Case(
        "nobody reports, as yesterday",
        (),
        {**SILENT, FIRST: always(10, minutes=2 * A_DAY)},
        at_minute=31 * 60,
        every_minutes=5,
    ),
    Case(
        "nobody has reported since the worker is back",
        (),
        {
            **SILENT,
            "ev_stream_up": f"{always(1, minutes=A_DAY)} {always('_', minutes=6 * 12)} "
            f"{always(1, minutes=3 * 12)}",
        },
        at_minute=31 * 60,
        every_minutes=5,
    ),
)


def named(series: str) -> str:
    """The series as one of the worker's."""
    name, _, labels = series.removesuffix("}").partition("{")
    return f"{name}{{{','.join(filter(None, [NAMES, labels]))}}}"


def as_test(case: Case) -> dict[str, Any]:
    """The case in promtool's words; it tells a case that fails by its query, so by the remark."""
    series = {name: values for name, values in {**HEALTHY, **case.series}.items() if values}
    firing = {
        "expr": f'count by (alertname) (ALERTS{{alertstate="firing"}}) # {case.what}',
        "eval_time": f"{case.at_minute}m",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in case.fires],
    }
    return {
        "interval": f"{case.every_minutes}m",
        "input_series": [{"series": named(name), "values": series[name]} for name in series],
        "promql_expr_test": [firing],
    }


def tried(cases: Iterable[Case], folder: Path) -> str:
    """What promtool has against the cases; nothing where all are so.

    It takes those of one interval in one go: most of a run is its start.
    """
    by_interval = defaultdict(list)
    for case in cases:
        by_interval[f"{case.every_minutes}m"].append(as_test(case))
    said = ""
    for interval, tests in by_interval.items():
        file = folder / f"cases_{interval}.yaml"  # JSON is YAML
        document = {"rule_files": [str(ALERTS)], "evaluation_interval": interval, "tests": tests}
        file.write_text(json.dumps(document))
        run = promtool("test", "rules", file)
        said += run.stdout + run.stderr if run.returncode else ""
    return said


def test_what_fires_is_what_is_wrong_and_nothing_else(tmp_path: Path) -> None:
    assert tried(CASES, tmp_path) == ""


def test_a_case_that_is_not_so_is_told_by_its_name(tmp_path: Path) -> None:
    wrong = [replace(case, fires=("EvCommitSlow",)) for case in CASES[:2]]
    said = tried([*wrong, *CASES[2:4]], tmp_path)
    assert [case.what in said for case in CASES[:4]] == [True, True, False, False]


def test_every_alert_is_shown_to_fire() -> None:
    lines = ALERTS.read_text().splitlines()
    alerts = {line.partition("- alert: ")[2] for line in lines if "- alert: " in line}
    assert alerts == {name for case in CASES for name in case.fires}


def test_prometheus_can_read_the_rules_and_the_configuration() -> None:
    for command, file in (("rules", ALERTS), ("config", CONFIGURATION)):
        checked = promtool("check", command, "--lint=all", "--lint-fatal", file)
        assert checked.returncode == 0, checked.stdout + checked.stderr
