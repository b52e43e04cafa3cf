"""What a run came to, in figures that can be held against the pipeline's ledger.

What lives here: the figures and how they are told. What does not: counting (`outbox`).
"""

from dataclasses import asdict, dataclass
from typing import Any

from simulator.sending.mishaps import Kind
from simulator.sending.outbox import Outbox
from simulator.sending.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Summary:
    """A run's figures, from its first start on, but for time and rate.

    Args:
        run: its name.
        is_over: whether everything of it was made.
        seconds: how long this start took, s.
        rate_per_s: messages accepted in that time, a second.
        sent: messages made: the sum of the next three.
        accepted: those that the broker has.
        refused: those that it will never take.
        waiting: those that wait in the outbox.
        held: those of the accepted that the broker could still forget, kept in the outbox too.
        sent_again: how often an accepted one was sent again, since the connection had been lost.
        distinct_sessions: different session ids among the accepted.
        skipped_rows: rows that have no form to be sent in.
        by_kind: sent, accepted and refused, by kind of message.
        rejected: what the worker refused, by code of the reason; as far as it was heard.
        waiting_of_others: messages of other runs or accounts in the same outbox.
    """

    run: str
    is_over: bool
    seconds: float
    rate_per_s: float
    sent: int
    accepted: int
    refused: int
    waiting: int
    held: int
    sent_again: int
    distinct_sessions: int
    skipped_rows: int
    by_kind: dict[str, dict[str, int]]
    rejected: dict[str, int]
    waiting_of_others: int

    def as_document(self) -> dict[str, Any]:
        """What `--json` prints."""
        return asdict(self)

    def lines(self) -> list[str]:
        """What a person is told."""
        state = "over" if self.is_over else "not over"
        parts = f"{self.accepted:,} accepted + {self.refused:,} refused + {self.waiting:,} waiting"
        told = [
            f"run {self.run}: {state}, {self.seconds:.1f} s, {self.rate_per_s:,.0f} accepted/s",
            f"messages: {self.sent:,} sent = {parts}",
            f"sessions: {self.distinct_sessions:,} different ones accepted",
        ]
        mishaps = {kind: counts["sent"] for kind, counts in self.by_kind.items() if kind != "plain"}
        if any(mishaps.values()):
            told.append("faults: " + _counted(mishaps))
        if self.rejected:
            told.append("rejected by the worker: " + _counted(self.rejected))
        if self.skipped_rows:
            told.append(f"skipped: {self.skipped_rows:,} rows that cannot be read")
        if self.sent_again:
            told.append(f"sent again after a lost connection: {self.sent_again:,} accepted ones")
        if self.held:
            told.append(f"held: {self.held:,} accepted just now; the next start sends them again")
        if self.waiting_of_others:
            told.append(f"in the outbox beside it: {self.waiting_of_others:,} of other runs")
        return told


def summary_of(simulation: Simulation, outbox: Outbox) -> Summary:
    """The figures of a simulation that has come to a stop."""
    run = simulation.run
    tallies = outbox.tallies(run.name)
    sent, accepted, refused = (
        {kind.value: tallies.get(what, {}).get(kind, 0) for kind in Kind}
        for what in ("sent", "accepted", "refused")
    )
    totals = [sum(counts.values()) for counts in (sent, accepted, refused)]
    return Summary(
        run=run.name,
        is_over=run.is_over,
        seconds=round(simulation.seconds, 3),
        rate_per_s=round(simulation.n_accepted / max(simulation.seconds, 1e-9), 1),
        sent=totals[0],
        accepted=totals[1],
        refused=totals[2],
        waiting=totals[0] - totals[1] - totals[2],
        held=simulation.n_held,
        sent_again=sum(tallies.get("again", {}).values()),
        distinct_sessions=outbox.n_accepted_names(run.name),
        skipped_rows=tallies.get("skipped", {}).get("rows", 0),
        by_kind={
            kind: {"sent": sent[kind], "accepted": accepted[kind], "refused": refused[kind]}
            for kind in sent
        },
        rejected=tallies.get("rejected", {}),
        waiting_of_others=outbox.n_of_others(run.name),
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()) if n)
