"""Whether a new model becomes the champion, and the reason in words.

What lives here: the rule. What does not: what it is judged by (`comparison`, `selection`), making a
champion (`storage.promotion`).
"""

from dataclasses import dataclass
from typing import Final

from ev_pipeline.domain.models.comparison import Comparison, Held
from ev_pipeline.domain.models.selection import (
    LEAST_SHARE,
    LEAST_TEMPORAL_AGREEMENT,
    MOST_SHARE,
)
from ev_pipeline.domain.models.structure import STRUCTURED

LEAST_GAIN_ABOVE: Final = 0.01
"""A smaller difference of gains is not worth new labels for everybody."""

MOST_P: Final = 0.01
MOST_CHANGED: Final = 0.1
"""Share of the sessions in clusters that go on which may change cluster: beyond it the same name
would mean another group. Warm-started models stay below 0.04."""

NOISE_SHARES: Final = (0.02, 0.08)
"""Of a density model: with less noise it sees no oddity, with more no density."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rule asks of a model.

    Args:
        verdict: whether its training found structure.
        failed_gates: what spoke against its number of clusters in training.
    """

    verdict: str
    failed_gates: tuple[str, ...]

    @property
    def has_names(self) -> bool:
        """Whether its clusters have names that people may rely on."""
        return self.verdict == STRUCTURED and not self.failed_gates


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a challenger.

    Args:
        is_promoted: whether it becomes the champion.
        reason: why, for people.
    """

    is_promoted: bool
    reason: str


def decide(challenger: Judged, champion: Judged | None, comparison: Comparison) -> Decision:
    """Judge a challenger.

    Args:
        challenger: the new model.
        champion: the one that is shown; null where there is none.
        comparison: both on later sessions.
    """
    if champion is None:
        return Decision(
            is_promoted=True, reason=f"the first model, as it is; verdict: {challenger.verdict}"
        )
    if champion.verdict == STRUCTURED != challenger.verdict:
        return _kept("its training found no structure, and the champion's did")
    failed = [*challenger.failed_gates, *_failed_later(comparison.challenger)]
    if comparison.agreement < LEAST_TEMPORAL_AGREEMENT:
        failed.append(f"without the last fifth it agrees by {comparison.agreement:.2f} only")
    if failed:
        return _kept("; ".join(failed))
    weak = _weakness(champion, comparison)
    if weak is None and not _is_better(comparison):
        return _kept(_not_better(comparison))
    changed = comparison.changed_share or 0.0
    if champion.has_names and changed > MOST_CHANGED:
        return _kept(
            f"{changed:.1%} of the sessions in clusters that go on would change cluster,"
            f" and {MOST_CHANGED:.0%} may"
        )
    return Decision(is_promoted=True, reason=weak or _better(comparison))


def _kept(reason: str) -> Decision:
    return Decision(is_promoted=False, reason=f"kept back: {reason}")


def _failed_later(held: Held) -> list[str]:
    """What later sessions say against a model, in words with figures."""
    low, high = NOISE_SHARES
    gates = (
        (held.gain > 0, f"no better than chance on later sessions (gain {held.gain:.3f})"),
        (held.smallest_share >= LEAST_SHARE, f"one holds {held.smallest_share:.1%} only later"),
        (held.largest_share <= MOST_SHARE, f"one holds {held.largest_share:.1%} later"),
        (low <= held.noise_share <= high, f"{held.noise_share:.1%} of later sessions are noise"),
    )
    return [said for passed, said in gates if not passed]


def _weakness(champion: Judged, comparison: Comparison) -> str | None:
    """Why the champion no longer passes; null where it does."""
    held = comparison.champion
    failed = [*champion.failed_gates, *([] if held is None else _failed_later(held))]
    if champion.verdict != STRUCTURED:
        failed.insert(0, "its training found no structure")
    return f"the champion no longer passes: {'; '.join(failed)}" if failed else None


def _is_better(comparison: Comparison) -> bool:
    p_value = comparison.p_value
    return _gain_above(comparison) >= LEAST_GAIN_ABOVE and p_value is not None and p_value <= MOST_P


def _gain_above(comparison: Comparison) -> float:
    former = 0.0 if comparison.champion is None else comparison.champion.gain
    return comparison.challenger.gain - former


def _better(comparison: Comparison) -> str:
    return f"better than the champion: {_gains(comparison)}"


def _not_better(comparison: Comparison) -> str:
    return f"{_gains(comparison)}; {LEAST_GAIN_ABOVE} more with p <= {MOST_P} is needed"


def _gains(comparison: Comparison) -> str:
    former = 0.0 if comparison.champion is None else comparison.champion.gain
    return (
        f"its gain on later sessions is {comparison.challenger.gain:.3f}, the champion's"
        f" {former:.3f} (p = {comparison.p_value:.3f})"
    )
