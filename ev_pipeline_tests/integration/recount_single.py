"""What loading Boulder's, Cary's and the workplaces' file must come to, counted again by hand.

Written with pandas, from the contract and what the publishers say: it shares no line with the
reader. No file names connectors, and no time of theirs can be read in two ways.
"""

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ev_pipeline_tests.integration.recount_rules import Figures, counted, reasons, warnings

_OFFSETS_H: Final = {"MST": 7, "MDT": 6}
"""How far Boulder's stated zones are behind UTC."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_CONTENT: Final = ["station", "user", "start", "end", "kwh", "charging_s", "cost"]


def recount_twice(source: str, path: Path) -> Iterator[Figures]:
    """The figures of loading the file into an empty database, and of loading it once more."""
    read, resolution_s = _SOURCES[source]
    rows = read(path)
    stored: dict[Hashable, tuple[Any, ...]] = {}
    for _ in range(2):
        yield _load(rows, resolution_s, stored)


def _load(
    rows: pd.DataFrame, resolution_s: float, database: dict[Hashable, tuple[Any, ...]]
) -> Figures:
    found = reasons(rows, resolution_s)
    contents = [
        tuple(None if pd.isna(value) else value for value in row)
        for row in rows[_CONTENT].to_numpy(dtype=object)
    ]
    outcomes = []
    for key, content, is_refused in zip(rows["key"], contents, found.any(axis=1), strict=True):
        if is_refused:
            outcomes.append("refused")
        elif key not in database:
            database[key] = content
            outcomes.append("stored")
        else:
            outcomes.append("duplicate" if database[key] == content else "conflict")
    outcome = pd.Series(outcomes, index=rows.index)
    stored, n = rows[outcome == "stored"], outcome.value_counts()
    told = warnings(stored, resolution_s).assign(weekday_mismatch=stored["is another weekday"])
    conflicts = int(n.get("conflict", 0))
    return Figures(
        received=len(rows),
        stored=len(stored),
        updated=0,
        duplicate=int(n.get("duplicate", 0)),
        quarantined=int(n.get("refused", 0)) + conflicts,
        reasons=counted(found.sum()) | counted(pd.Series({"conflicts_with_stored": conflicts})),
        warnings=counted(told.sum()),
        notes=counted(
            pd.Series(
                {
                    "end_derived": stored["is end derived"].sum(),
                    "station_unregistered": len(stored),
                }
            )
        ),
    )


def _boulder(path: Path) -> pd.DataFrame:
    file = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows = _rows(file["Station_Name"], file["Energy__kWh_"])
    for column, which in (("start", "Start"), ("end", "End")):
        clock = pd.to_datetime(file[f"{which}_Date___Time"], format="%Y/%m/%d %H:%M:%S")
        behind = pd.to_timedelta(file[f"{which}_Time_Zone"].map(_OFFSETS_H), unit="h")
        rows[column] = _epoch_s(clock + behind)
    rows["charging_s"] = _seconds(file["Charging_Time__hh_mm_ss_"])
    rows["key"] = list(zip(rows["station"], rows["start"], rows["end"], strict=True))
    return rows


def _cary(path: Path) -> pd.DataFrame:
    file = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    rows = _rows(file["station_name"], file["energy_kwh"])
    assert set(file["start_date"].str[19:]) == {"+00:00"}
    rows["start"] = _epoch_s(pd.to_datetime(file["start_date"].str[:19]))
    rows["charging_s"] = _seconds(file["charging_time_hh_mm_ss"])
    rows["end"] = rows["start"] + rows["charging_s"]
    rows["is end derived"] = True
    rows["cost"] = pd.to_numeric(file["fee"])
    rows["key"] = list(zip(rows["station"], rows["start"], strict=True))
    return rows


def _asensio(path: Path) -> pd.DataFrame:
    file = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = _rows(file["stationId"], file["kwhTotal"])
    for column, name in (("start", "created"), ("end", "ended")):
        clock = pd.to_datetime("2" + file[name].str[1:], format="%Y-%m-%d %H:%M:%S")
        local = clock.dt.tz_localize("America/New_York", ambiguous="raise", nonexistent="raise")
        rows[column] = _epoch_s(local.dt.tz_convert("UTC").dt.tz_localize(None))
        if column == "start":
            days = pd.Series(_DAYS)[clock.dt.day_of_week].to_numpy()
            rows["is another weekday"] = days != file["weekday"]
    rows["user"], rows["cost"] = file["userId"], pd.to_numeric(file["dollars"])
    rows["key"] = file["sessionId"]
    return rows


_SOURCES: Final[dict[str, tuple[Callable[[Path], pd.DataFrame], float]]] = {
    "boulder": (_boulder, 60),
    "cary": (_cary, 1),
    "asensio_workplace": (_asensio, 1),
}
"""How each file is read, and to how many seconds it cuts its times."""


def _rows(stations: "pd.Series[str]", energy: "pd.Series[str]") -> pd.DataFrame:
    """Rows of which no more is known."""
    known = pd.DataFrame({"station": stations, "kwh": pd.to_numeric(energy)})
    return known.assign(
        user=np.nan,
        cost=np.nan,
        charging_s=np.nan,
        **{"is end derived": False, "is another weekday": False},
    )


def _epoch_s(clock: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    return (clock - pd.Timestamp(0)).dt.total_seconds()


def _seconds(texts: "pd.Series[str]") -> "pd.Series[float]":
    return pd.to_timedelta(texts).dt.total_seconds()
