"""Faults put into the last tenth of real sets: how many are found, beside a plain isolation forest.

Run with `python -m benchmarks.anomalies`. What lives here: recall and false alarms on real sets.
What does not: the faults themselves (`ev_pipeline_tests.domain.models.injected_faults`).

Everything is learnt from the first nine tenths of time. A fault counts as found where validation
refuses the session or its label says anomaly. The plain forest sees start hour, duration, energy
and mean power as they are; its threshold is set on the same later slice for the same rate.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest

from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.training import train_isolation_forest
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline.sources.mapping import SessionMapping
from ev_pipeline_tests.domain.models.injected_faults import FAULTS, with_ratings, without_business
from ev_pipeline_tests.real_frames import (
    NO_STATIONS,
    REAL_SETS,
    features_of,
    has_real_sets,
    judged,
    mapping_of,
    real_sessions,
)

SEED: Final = 20180101
FALSE_ALARM_RATE: Final = 0.02
N_INJECTED: Final = 2_000
MARKS: Final = {
    "power over rating": 0.99,
    "fast at midnight": 0.75,
    "overstay": 0.36,
    "clock skew": 0.30,
}
RAW: Final = ("start_hour", "duration_h", "energy_kwh", "mean_power_kw")


def main() -> None:
    """Print one table a set."""
    if not has_real_sets():
        print("no real sessions at hand: set EV_TEST_DATA")
        return
    for name in REAL_SETS:
        _print_set(name)


def _print_set(name: str) -> None:
    sessions = real_sessions(name).sort("started_at", "session_id")
    first_held_out = sessions["started_at"][round(0.9 * len(sessions))]
    before = sessions.filter(pl.col("started_at") < first_held_out)
    held_out = ordinary(sessions.filter(pl.col("started_at") >= first_held_out))
    features = features_of(before)
    trained = train_isolation_forest(features, seed=SEED, false_alarm_rate=FALSE_ALARM_RATE)
    finders = _Finders(AnomalyModel.from_bytes(trained.artifact), features, mapping_of(name))
    ours, naive = finders.shares(held_out)
    print(f"\n{name}: {len(before)} sessions to learn from, {len(held_out)} ordinary ones after")
    print(f"  {'':<34}{'mark':>8}{'here':>8}{'plain forest':>14}{'injected':>10}")
    print(f"  {'false alarms':<34}{'<= 2 %':>8}{ours:>8.2%}{naive:>14.2%}{len(held_out):>10}")
    for fault, mark, found, beside, n in _recalls(finders, before, held_out):
        told = "" if mark is None else f"{mark:.2f}"
        print(f"  {fault:<34}{told:>8}{found:>8.3f}{beside:>14.3f}{n:>10}")


def _recalls(
    finders: "_Finders", before: pl.DataFrame, held_out: pl.DataFrame
) -> Iterator[tuple[str, float | None, float, float, int]]:
    """Of each fault the mark, what is found here and by the plain forest, and of how many."""
    chosen = held_out.sample(min(N_INJECTED, len(held_out)), seed=SEED)
    rated, ratings = with_ratings(chosen, before)
    for name, fault in FAULTS.items():
        at_risk = without_business(rated, before) if name == "fast at midnight" else rated
        faulty = fault(at_risk, np.random.default_rng(SEED))
        if name == "power over rating":
            found, beside = finders.shares(faulty, ratings)
            yield name, MARKS[name], found, beside, len(faulty)
            found, beside = finders.shares(faulty)
            yield "  where no rating is registered", None, found, beside, len(faulty)
            continue
        found, beside = finders.shares(faulty)
        yield name, MARKS.get(name), found, beside, len(faulty)


def ordinary(sessions: pl.DataFrame) -> pl.DataFrame:
    """The sessions that a model might be fitted on."""
    ids = fit_sessions(features_of(sessions)).select("session_id")
    return sessions.join(ids, on="session_id", how="semi", maintain_order="left")


class _Finders:
    """Our model, and the plain forest, trained on the same sessions."""

    def __init__(
        self, model: AnomalyModel, features: pl.DataFrame, mapping: SessionMapping
    ) -> None:
        self._model = model
        self._mapping = mapping
        usable = fit_sessions(features).sort("started_at", "session_id")
        n_earlier = round(0.75 * len(usable))
        self._plain = IsolationForest(random_state=SEED).fit(_raw(usable[:n_earlier]))
        later = self._plain.score_samples(_raw(usable[n_earlier:]))
        self._least = float(np.quantile(later, FALSE_ALARM_RATE, method="lower"))

    def shares(
        self, sessions: pl.DataFrame, stations: pl.DataFrame = NO_STATIONS
    ) -> tuple[float, float]:
        """The share of the sessions that are refused or called anomalies, here and plainly."""
        stored = features_of(judged(sessions, self._mapping, stations))
        n_refused = len(sessions) - len(stored)
        if stored.is_empty():
            return 1.0, 1.0
        labels = self._model.label(stored, session_values(stored))
        n_plain = int(np.sum(self._plain.score_samples(_raw(stored)) < self._least))
        found = int(labels["is_anomaly"].sum()) + n_refused
        return found / len(sessions), (n_plain + n_refused) / len(sessions)


def _raw(features: pl.DataFrame) -> np.ndarray:
    rows: np.ndarray = features.select(RAW).to_numpy()
    return rows


if __name__ == "__main__":
    main()
