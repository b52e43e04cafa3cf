"""Checks of group labels: every session has one, and the groups tell something.

What lives here: what is counted and what counts as wrong.
What does not: a model's own measures (`domain.models`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.labels import cluster_profiles, session_labels
from ev_pipeline.checks.counting import count_row
from ev_pipeline.domain.models.selection import LEAST_SHARE, MOST_SHARE
from ev_pipeline.resources import Database
from ev_pipeline.storage.labels import count_missing
from ev_pipeline.storage.profiles import read_profiles
from ev_pipeline.storage.registry import read_champion

MAX_CLUSTER_SHARE: Final = 0.95
"""One group that holds more than this share says nothing about anybody."""

_UNLABELLED: Final = """
    with champion as (select version from ev_model where is_champion)
    select
        (select count(*) from champion) as champions,
        (select count(*) from ev_session) as sessions,
        (select count(*) from ev_session s where not exists (
            select from ev_session_label l
            where l.model_version = (select version from champion)
                and l.session_id = s.session_id and l.session_revision = s.revision
        )) as unlabelled
"""
_LARGEST: Final = """
    select coalesce(max(n), 0)::bigint as largest_cluster, coalesce(sum(n), 0)::bigint as sessions
    from (
        select count(*) as n from ev_session_label
        where model_version = (select version from ev_model where is_champion)
        group by kmeans_cluster
    ) c
"""


@dg.asset_check(asset=session_labels)
def every_session_labelled(database: Database) -> dg.AssetCheckResult:
    """Every stored session has a label of the one champion, for the revision that is stored.

    An error. Sessions that came during the run may be among the unlabelled; the next one labels
    them. It looks at all of them, where labelling follows the change log: each proves the other.
    """
    with database.engine() as engine:
        counts = count_row(engine, _UNLABELLED)
    return dg.AssetCheckResult(
        passed=counts["champions"] == 1 and counts["unlabelled"] == 0, metadata=counts
    )


@dg.asset_check(asset=session_labels)
def no_session_waits_for_its_label(database: Database) -> dg.AssetCheckResult:
    """Along the change log, every session that came has a label of the champion.

    An error. It takes as long as what is new, not as what is stored.
    """
    with database.engine() as engine, engine.connect() as connection:
        champion = read_champion(connection)
        waiting = None if champion is None else count_missing(connection, champion.version)
    return dg.AssetCheckResult(passed=waiting == 0, metadata={"waiting": waiting})


@dg.asset_check(asset=cluster_profiles)
def shares_within_gates(database: Database) -> dg.AssetCheckResult:
    """Of all labelled sessions each cluster with a name holds between 5 and 60 %, as in training.

    A warning: sessions have moved since the champion was trained. Clusters that are no better than
    chance are not held to it, and it says so.
    """
    with database.engine() as engine, engine.connect() as connection:
        champion = read_champion(connection)
        profiles = {} if champion is None else read_profiles(connection, champion.version)
    named = [row for row in profiles.values() if row["cluster_name"] != str(row["kmeans_cluster"])]
    outside = [row for row in named if not LEAST_SHARE <= row["share"] <= MOST_SHARE]
    return dg.AssetCheckResult(
        passed=not outside,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "clusters": len(profiles),
            "held to the gates": len(named),
            "outside": ", ".join(f"{row['cluster_name']}: {row['share']:.1%}" for row in outside),
        },
    )


@dg.asset_check(asset=session_labels)
def no_cluster_over_95_percent(database: Database) -> dg.AssetCheckResult:
    """No KMeans cluster holds nearly everything.

    A warning: such labels are useless, but they harm nothing.
    """
    with database.engine() as engine:
        counts = count_row(engine, _LARGEST)
    share = counts["largest_cluster"] / counts["sessions"] if counts["sessions"] else 0.0
    return dg.AssetCheckResult(
        passed=share <= MAX_CLUSTER_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**counts, "share": share, "limit": MAX_CLUSTER_SHARE},
    )
