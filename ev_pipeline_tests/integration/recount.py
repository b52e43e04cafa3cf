"""What loading Dundee's and Perth's files must come to, counted again by hand from raw bytes.

Written from the contract alone, with pandas: it shares no line with reader, rules or storage.
"""

import io
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ev_pipeline_tests.integration.recount_rules import Figures, counted, reasons, warnings

MINUTE_S: Final = 60
"""Both councils cut their times to the minute."""

MISSING_TIME: Final = "01/01/1970 01:00"
PLACE: Final = ["CP ID", "Connector"]
CONTENT: Final = [*PLACE, "start", "end", "kwh"]

Span = tuple[float, float]
"""Start and end, epoch seconds."""


@dataclass
class Database:
    """What is stored after the loads so far: content by id, and the spans on each connector."""

    contents: dict[Hashable, tuple[Any, ...]] = field(default_factory=dict)
    spans: dict[Hashable, npt.NDArray[np.float64]] = field(default_factory=dict)


def recount(
    paths: Iterable[Path], *, registered: frozenset[str] = frozenset()
) -> Iterator[Figures]:
    """The figures of loading these files, one after the other, into an empty database."""
    database = Database()
    for path in paths:
        yield _load(_read(path), database, registered)


def registered_stations(path: Path) -> frozenset[str]:
    """The stations that a registry names: Dundee's by CP ID; Perth's names sites, not stations."""
    registry = _table(path)
    return frozenset(registry.get("CP ID", pd.Series(dtype=str)).str.strip()) - {""}


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(path.read_bytes()), dtype=str, keep_default_na=False)


def _read(path: Path) -> pd.DataFrame:
    """The file's rows with both readings of their times (epoch seconds), energy and id."""
    rows = _table(path)
    for which in ("Start", "End"):
        text = (rows[f"{which} Date"] + " " + rows[f"{which} Time"]).str.strip()
        clock = pd.to_datetime(text.where(~text.isin(["", MISSING_TIME])), format="%d/%m/%Y %H:%M")
        for reading, is_summer in (("early", True), ("late", False)):
            moment = clock.dt.tz_localize(
                "Europe/London",
                ambiguous=np.full(len(rows), is_summer),
                nonexistent=pd.Timedelta("1h"),
            )
            rows[f"{which} {reading}"] = (moment - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    rows["station"], rows["charging_s"] = rows["CP ID"], np.nan
    rows["kwh"] = pd.to_numeric(rows["Total kWh"].where(rows["Total kWh"] != ""))
    start_twice = rows["Start early"] < rows["Start late"]
    rows["is ambiguous"] = start_twice | (rows["End early"] < rows["End late"])
    return rows


def _load(rows: pd.DataFrame, database: Database, registered: frozenset[str]) -> Figures:
    rows["start"], rows["end"] = rows["Start early"], rows["End early"]
    _choose_readings(rows, database)
    found = reasons(rows, MINUTE_S)
    ids, outcomes = [], []
    own = rows.get("Charging event", pd.Series("", index=rows.index))
    contents = zip(*(rows[name] for name in CONTENT), strict=True)
    codes = found.columns.to_numpy()
    for name, content, told in zip(own, contents, found.to_numpy(dtype=bool), strict=True):
        own_id = name or content[:3]
        faults = set(codes[told])
        ids.append(own_id)
        if faults == {"not_finished"} and own_id in database.contents:
            outcomes.append("duplicate")
        elif faults:
            outcomes.append("quarantined")
        elif own_id not in database.contents:
            database.contents[own_id] = content
            outcomes.append("stored")
        else:
            is_same = database.contents[own_id] == content
            outcomes.append("duplicate" if is_same else "conflict")
    outcome = pd.Series(outcomes, index=rows.index)
    stored = rows[outcome == "stored"].sort_values(["start", "end"])
    refused = found[outcome == "quarantined"]
    conflicts = pd.Series({"conflicts_with_stored": int((outcome == "conflict").sum())})
    return Figures(
        received=len(rows),
        stored=len(stored),
        updated=0,
        duplicate=int((outcome == "duplicate").sum()),
        quarantined=len(refused) + int(conflicts.sum()),
        reasons=counted(pd.concat([refused.sum(), conflicts])),
        warnings=counted(_warnings(stored, database).sum()),
        notes=counted(
            pd.Series(
                {
                    "time_ambiguous": stored["is ambiguous"].sum(),
                    "station_unregistered": (~stored["CP ID"].isin(registered)).sum(),
                }
            )
        ),
    )


def _warnings(stored: pd.DataFrame, database: Database) -> pd.DataFrame:
    """Which warning applies to which stored row, rows in order of start and end."""
    overlaps = pd.Series(data=False, index=stored.index)
    for place, group in stored.groupby(PLACE):
        before = database.spans.get(place, np.empty((0, 2)))
        spans = np.vstack([before, group[["start", "end"]].to_numpy()])
        database.spans[place] = spans
        starts, ends = spans[:, 0], spans[:, 1]
        new = slice(len(before), None)
        shared = np.minimum.outer(ends[new], ends) - np.maximum.outer(starts[new], starts)
        with_earlier = np.tril(shared > MINUTE_S, k=len(before) - 1).any(axis=1)
        overlaps[group.index] = with_earlier
    return warnings(stored, MINUTE_S).assign(overlaps_same_connector=overlaps)


def _choose_readings(rows: pd.DataFrame, database: Database) -> None:
    """Where clocks go back: as stored, else with fewest misfits on the connector, else early."""
    for place, group in rows[rows["is ambiguous"]].groupby(PLACE):
        ordered = group.sort_values(["Start early", "End early"])
        is_here = (rows["CP ID"] == place[0]) & (rows["Connector"] == place[1])
        others = rows[is_here & ~rows["is ambiguous"]]
        others = others[~reasons(others, MINUTE_S).any(axis=1)]
        certain = [(start, end) for start, end in others[["start", "end"]].to_numpy()]
        was_stored = {tuple(span) for span in database.spans.get(place, np.empty((0, 2)))}
        options = []
        for row in ordered.to_dict("records"):
            starts = sorted({row["Start early"], row["Start late"]})
            ends = sorted({row["End early"], row["End late"]})
            every = list(product(starts, ends))
            options.append([span for span in every if span in was_stored] or every)
        best = min(product(*options), key=lambda spans: _misfits(spans, certain))
        rows.loc[ordered.index, ["start", "end"]] = np.array(best)


def _misfits(spans: Sequence[Span], certain: Sequence[Span]) -> int:
    """How many spans end before they start, or overlap another."""
    return sum(
        end <= start
        or any(
            min(end, other_end) - max(start, other_start) > MINUTE_S
            for other_start, other_end in (*certain, *spans[:i], *spans[i + 1 :])
        )
        for i, (start, end) in enumerate(spans)
    )
