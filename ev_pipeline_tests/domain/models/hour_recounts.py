"""The shares of the hours, counted again from the sessions that a forest was fitted on.

What lives here: the share that a sentence states beside the share that anyone would count.
What does not: the model's own counting (`hours`).
"""

from typing import Final

import polars as pl

from ev_pipeline.domain.models.view import fit_sessions

_MIN_STATION_SESSIONS: Final = 20


def stated_and_counted(
    fitted: pl.DataFrame, sessions: pl.DataFrame, labels: pl.DataFrame
) -> pl.DataFrame:
    """Of every start that is a reason: the stated share in %, the counted one, and both places.

    Args:
        fitted: features that the model was trained on.
        sessions: features of the labelled sessions.
        labels: their labels.
    """
    usable = fit_sessions(fitted).sort("started_at", "session_id")
    hour = pl.col("start_hour").floor().alias("hour")
    counted = usable.with_columns(hour)
    stations = counted.group_by("station_id").len("n_station")
    habits = stations.filter(pl.col("n_station") >= _MIN_STATION_SESSIONS)
    reasons = (
        labels.select("session_id", "anomaly_reasons")
        .explode("anomaly_reasons", empty_as_null=False, keep_nulls=False)
        .unnest("anomaly_reasons")
        .filter(
            pl.col("code") == "unusual_hour",
            pl.col("message").str.contains(r"^starts at .* (at this station|at all stations)$"),
        )
    )
    has_habit = pl.col("n_station").is_not_null()
    at_station, anywhere = (
        pl.col(name).fill_null(0) * 100 / pl.col(total)
        for name, total in (("n_hour_station", "n_station"), ("n_hour", "n"))
    )
    return (
        reasons.join(sessions.select("session_id", "station_id", hour), on="session_id")
        .join(habits, on="station_id", how="left")
        .join(
            counted.group_by("station_id", "hour").len("n_hour_station"),
            on=["station_id", "hour"],
            how="left",
        )
        .join(counted.group_by("hour").len("n_hour"), on="hour", how="left")
        .with_columns(n=pl.lit(len(counted)))
        .select(
            stated=pl.col("message")
            .str.extract(r"in an hour with (?:less than )?([\d.]+) %")
            .cast(pl.Float64),
            counted=pl.when(has_habit).then(at_station).otherwise(anywhere),
            stated_place=pl.col("message").str.extract(r"sessions (.+)$"),
            counted_place=pl.when(has_habit)
            .then(pl.lit("at this station"))
            .otherwise(pl.lit("at all stations")),
        )
    )
