"""What the records of one file are to each other: the same session again, or on one connector.

What lives here: repeated identities and overlaps among records that are only looked at.
What does not: the same among stored ones (`storage`), the rules on one record (`verdicts`).
"""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from ev_pipeline.sources.canonical_schema import fields_of
from ev_pipeline.sources.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Repeated:
    """Records that have the identity of an earlier one.

    Args:
        n_same: those that say the same again.
        n_versions: those that say another thing, of which the mapping tells which one counts.
        n_conflicts: those that say another thing, and nothing tells which one counts.
    """

    n_same: int = 0
    n_versions: int = 0
    n_conflicts: int = 0

    @property
    def n_all(self) -> int:
        """All of them."""
        return self.n_same + self.n_versions + self.n_conflicts


def repeated(sound: pl.DataFrame, mapping: Mapping) -> Repeated:
    """How many of the records have the identity of an earlier one.

    Args:
        sound: canonical records without an error.
        mapping: how they were read.
    """
    content = pl.struct(field.name for field in fields_of(mapping))
    keyed = sound.select(key=_identity(mapping), content=content, updated_at=_updated_at(mapping))
    again = keyed.with_columns(
        first=pl.col("content").first().over("key"),
        first_updated_at=pl.col("updated_at").first().over("key"),
    ).filter(~pl.col("key").is_first_distinct())
    is_same = again["content"] == again["first"]
    is_version = (again["updated_at"] != again["first_updated_at"]).fill_null(value=False)
    is_version |= mapping.has_corrections
    return Repeated(
        n_same=int(is_same.sum()),
        n_versions=int((~is_same & is_version).sum()),
        n_conflicts=int((~is_same & ~is_version).sum()),
    )


def _updated_at(mapping: Mapping) -> pl.Expr:
    if mapping.records == "session":
        return pl.col("updated_at")
    return pl.lit(None, pl.Datetime("us", "UTC"))


def _identity(mapping: Mapping) -> pl.Expr:
    """What makes a record the same record, within its operator, as a text."""
    if mapping.records != "session":
        return pl.col("name" if mapping.records == "site" else "station_id")
    natural = ["station_id", "connector_id", "started_at"]
    natural += ["ended_at"] if mapping.key_has_end else []
    own = pl.col("source_session_id")
    is_own = own.is_not_null()
    parts = [pl.when(~is_own).then(pl.col(name)).alias(name) for name in natural]
    return pl.struct(own, *parts)


def overlapping(sound: pl.DataFrame, mapping: Mapping) -> set[int]:
    """The lines of the records that begin while another session is on their connector.

    As at a load: in order of start and end, the later of two is meant.

    Args:
        sound: canonical sessions without an error.
        mapping: how they were read.
    """
    grace = timedelta(seconds=mapping.resolution_s)
    place = ["station_id", "connector_id"]
    in_order = (
        sound.filter(pl.col("connector_id").is_not_null() & _identity(mapping).is_first_distinct())
        .sort("started_at", "ended_at", "line")
        .with_columns(busy_until=pl.col("ended_at").cum_max().shift().over(place))
    )
    is_within = (pl.col("busy_until") - pl.col("started_at") > grace) & (
        pl.col("ended_at") - pl.col("started_at") > grace
    )
    return set(in_order.filter(is_within)["line"])
