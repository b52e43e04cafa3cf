"""The choice of the number of clusters, and the gates that each number must pass."""

from dataclasses import replace
from typing import Any

import pytest

from ev_pipeline.domain.models.selection import Candidate, choose

GOOD = Candidate(
    k=3,
    silhouette=0.35,
    null_silhouette=0.25,
    agreement=0.95,
    temporal_agreement=0.9,
    smallest_share=0.2,
    largest_share=0.5,
)


def _candidate(k: int, gain: float, **fields: Any) -> Candidate:
    silhouette = fields.pop("silhouette", 0.25 + gain)
    return replace(GOOD, k=k, silhouette=silhouette, **fields)


def test_the_largest_number_whose_gain_is_near_the_best_is_chosen() -> None:
    candidates = [_candidate(3, 0.10), _candidate(4, 0.085), _candidate(5, 0.07)]
    assert choose(candidates).k == 4


def test_of_gains_that_are_near_a_clear_one_goes_before_more_clusters() -> None:
    assert choose([_candidate(3, 0.035), _candidate(4, 0.025)]).k == 3
    blurred = [_candidate(3, 0.035), _candidate(4, 0.04, silhouette=0.26, null_silhouette=0.22)]
    assert choose(blurred).k == 3


def test_a_number_that_fails_a_gate_is_not_chosen_however_great_its_gain() -> None:
    candidates = [_candidate(3, 0.05), _candidate(4, 0.2, agreement=0.79)]
    assert choose(candidates).k == 3


def test_without_a_valid_number_the_best_gain_is_taken_and_says_that_it_is_not_valid() -> None:
    candidates = [_candidate(3, 0.05, agreement=0.5), _candidate(4, 0.1, largest_share=0.7)]
    chosen = choose(candidates)
    assert (chosen.k, chosen.is_valid) == (4, False)
    assert chosen.failed_gates == ["one holds 70.0%"]


def test_the_champions_number_is_kept_where_it_is_as_good_as_any() -> None:
    candidates = [_candidate(3, 0.10), _candidate(4, 0.085), _candidate(5, 0.07)]
    assert choose(candidates, preferred=3).k == 3
    assert choose(candidates, preferred=5).k == 4


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("agreement", 0.79, "refits agree by 0.79 only"),
        ("temporal_agreement", 0.59, "earlier and later sessions agree by 0.59 only"),
        ("smallest_share", 0.049, "one holds 4.9% only"),
        ("largest_share", 0.61, "one holds 61.0%"),
    ],
)
def test_a_gate_that_is_missed_is_said_with_its_figure(field: str, value: float, said: str) -> None:
    assert _candidate(3, 0.1, **{field: value}).failed_gates == [said]
