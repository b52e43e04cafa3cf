"""The judgement of a trained version: compared with the champion, and decided on.

What lives here: what is taken of both models, and of the sessions, for the rule and for the card.
What does not: each step (`comparison`, `promotion`), the card's text (`card`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.models.comparison import Comparison
from ev_pipeline.domain.models.promotion import Decision, Judged, decide
from ev_pipeline.domain.models.structure import NO_STRUCTURE
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import count_beyond_fit_limits, fit_sessions

_NOT_MEASURED: Final = "it was trained before clusters were judged"


@dataclass(frozen=True, slots=True)
class Subject:
    """A version that is judged, or judged beside.

    Args:
        bundle: the model.
        measures: of its three parts, by name.
    """

    bundle: ModelBundle
    measures: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a version, and by what.

    Args:
        decision: whether it is promoted, with the reason.
        comparison: what was measured on later sessions, for JSON.
        data: what it was trained on, by what each figure is.
    """

    decision: Decision
    comparison: dict[str, Any]
    data: dict[str, Any]


def judge(
    features: pl.DataFrame, challenger: Subject, champion: Subject | None, *, seed: int
) -> Judgement:
    """Judge a version by the sessions that it was trained on, and the champion by the same.

    Args:
        features: columns `TRAINING_INPUTS` of the sessions without a warning.
        challenger: the version.
        champion: what is shown; null where nothing is.
        seed: seed of everything random.
    """
    usable = fit_sessions(features)
    comparison = Comparison.measure(
        session_values(usable),
        usable["started_at"].dt.epoch("us").to_numpy(),
        challenger.bundle,
        None if champion is None else champion.bundle,
        seed=seed,
    )
    former = None if champion is None else _judged(champion.measures)
    days = usable["started_at"].dt.date().cast(pl.String)
    return Judgement(
        decision=decide(_judged(challenger.measures), former, comparison),
        comparison=comparison.as_measures(),
        data={
            "sessions trained on": len(usable),
            "first plug-in": days.min(),
            "last plug-in": days.max(),
            "stations": usable.select("scope", "station_id").n_unique(),
            "left out, beyond the limits of a fit": count_beyond_fit_limits(features),
            "held out for the comparison, the latest": comparison.n_held_out,
        },
    )


def _judged(measures: Mapping[str, Mapping[str, Any]]) -> Judged:
    """What the rule asks of a model; of one from before it was measured, that it does not pass."""
    clusters = measures.get("kmeans", {})
    if "candidates" not in clusters:
        return Judged(NO_STRUCTURE, (_NOT_MEASURED,))
    chosen = next(each for each in clusters["candidates"] if each["k"] == clusters["k"])
    return Judged(clusters["verdict"], tuple(chosen["failed_gates"]))
