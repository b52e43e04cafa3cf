"""The promotion rule: what makes a champion, what holds a challenger back, and in which words."""

from dataclasses import replace
from typing import Any

import pytest

from ev_pipeline.domain.models.comparison import Comparison, Held
from ev_pipeline.domain.models.promotion import Decision, Judged, decide
from ev_pipeline.domain.models.structure import NO_STRUCTURE, STRUCTURED

SOUND = Judged(STRUCTURED, ())
HELD = Held(
    silhouette=0.35,
    null_silhouette=0.30,
    smallest_share=0.1,
    largest_share=0.5,
    noise_share=0.05,
)
BETTER = Comparison(
    n_held_out=1_000,
    challenger=replace(HELD, silhouette=0.37),
    champion=HELD,
    agreement=0.9,
    p_value=0.001,
    changed_share=0.03,
)


def _held_back(decision: Decision, because: str) -> bool:
    return not decision.is_promoted and because in decision.reason


def test_the_first_model_is_promoted_as_it_is_with_its_verdict() -> None:
    worst = replace(BETTER, challenger=replace(HELD, silhouette=0.1), champion=None, p_value=None)
    decision = decide(Judged(NO_STRUCTURE, ("refits agree by 0.10 only",)), None, worst)
    assert decision == Decision(
        is_promoted=True, reason="the first model, as it is; verdict: no structure"
    )


def test_a_better_model_is_promoted() -> None:
    decision = decide(SOUND, SOUND, BETTER)
    assert decision.is_promoted
    assert "0.070, the champion's 0.050 (p = 0.001)" in decision.reason


@pytest.mark.parametrize(
    ("challenger", "changes", "because"),
    [
        (Judged(NO_STRUCTURE, ()), {}, "found no structure"),
        (Judged(STRUCTURED, ("one holds 61.0%",)), {}, "one holds 61.0%"),
        (SOUND, {"challenger": replace(HELD, silhouette=0.359)}, "0.01 more with p <= 0.01"),
        (SOUND, {"p_value": 0.011}, "0.01 more with p <= 0.01"),
        (SOUND, {"agreement": 0.59}, "without the last fifth it agrees by 0.59 only"),
        (SOUND, {"changed_share": 0.11}, "11.0% of the sessions"),
        (SOUND, {"challenger": replace(HELD, silhouette=0.2)}, "no better than chance"),
        (SOUND, {"challenger": replace(HELD, smallest_share=0.04)}, "one holds 4.0% only later"),
        (SOUND, {"challenger": replace(HELD, largest_share=0.7)}, "one holds 70.0% later"),
        (SOUND, {"challenger": replace(HELD, noise_share=0.09)}, "9.0% of later sessions"),
    ],
)
def test_a_model_is_held_back_and_says_why(
    challenger: Judged, changes: dict[str, Any], because: str
) -> None:
    assert _held_back(decide(challenger, SOUND, replace(BETTER, **changes)), because)


@pytest.mark.parametrize(
    ("champion", "held", "because"),
    [
        (SOUND, replace(HELD, noise_share=0.3), "30.0% of later sessions are noise"),
        (SOUND, replace(HELD, largest_share=0.8), "one holds 80.0% later"),
        (Judged(NO_STRUCTURE, ()), HELD, "found no structure"),
        (Judged(STRUCTURED, ("refits agree by 0.70 only",)), HELD, "refits agree by 0.70 only"),
    ],
)
def test_a_champion_that_no_longer_passes_gives_way_to_one_that_is_not_better(
    champion: Judged, held: Held, because: str
) -> None:
    equal = replace(BETTER, challenger=HELD, champion=held, p_value=0.5)
    decision = decide(SOUND, champion, equal)
    assert decision.is_promoted
    assert decision.reason.startswith("the champion no longer passes")
    assert because in decision.reason


def test_clusters_that_had_no_names_may_change_as_much_as_they_like() -> None:
    decision = decide(SOUND, Judged(NO_STRUCTURE, ()), replace(BETTER, changed_share=0.6))
    assert decision.is_promoted
