"""What sessions would be labelled if they were sent; nothing of it is stored.

What lives here: taking records in as every door does, asking the champion, and taking all of it
back; and the same of sessions that are stored. What does not: where questions come from
(`ev_pipeline.stream.predicting`, `ev_pipeline.cli`).
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Self

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.models.explanation import explain_clusters
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.intake.load import take_in
from ev_pipeline.intake.stream_job import stream_job
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import Message, decode_messages
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.storage.instant_labels import read_sessions
from ev_pipeline.storage.labels import Labeller
from ev_pipeline.storage.loads import share_stations
from ev_pipeline.storage.named_sessions import find_sessions
from ev_pipeline.storage.outcomes import Outcome, read_outcomes

MAX_RECORDS: Final = 500
"""Of one question: it is answered in a tenth of a second, for which nobody else has to wait."""

Champion = Callable[[sa.Connection, datetime], Labeller | None]
"""The version that labels what a transaction writes at that time; null where there is none."""


class PredictionError(PipelineError):
    """A question that no labels answer.

    Args:
        code: what is wrong, for programs.
        what: the same, for people.
        mend: what to do about it.
    """

    def __init__(self: Self, code: str, what: str, *, mend: str) -> None:
        super().__init__(what, mend=mend)
        self.code = code


def predict(
    engine: sa.Engine, settings: Settings, question: Message, champion: Champion
) -> dict[str, Any]:
    """What would become of the question's records if they were sent, and their labels.

    They are stored and taken back, in one transaction that nobody sees: what is said here is what
    happens then, since the same code says it. A session that is stored already has the label of
    what is stored.

    Args:
        engine: the database, its schema up to date.
        settings: limits, zones and the default operator.
        question: the sessions, in any shape that a message may have.
        champion: which model version labels.

    Returns:
        `model_version`, and `predictions`: of each record, in order, its labels or the reasons for
        which it would be refused.

    Raises:
        PredictionError: there is no champion, or the question is none. Faults of the database that
            pass are raised as they are.
    """
    with engine.connect() as connection, connection.begin() as transaction:
        # In the order of the stream, and of who changes models: the other one ends in a deadlock.
        share_stations(connection)
        labeller = _that_labels(connection, champion, question.received_at)
        try:
            outcomes = _rehearse(connection, settings, question)
        except (DBAPIError, pl.exceptions.PolarsError, ValueError) as error:
            if is_infrastructure_fault(error):
                raise
            raise PredictionError(
                "unreadable",
                f"the sessions cannot be read ({type(error).__name__})",
                mend="ask about them one by one to find which",
            ) from error
        ids = (each.session_id for each in outcomes if each.decision != "quarantined")
        sessions = read_sessions(connection, set(filter(None, ids)))
        transaction.rollback()
    labels = _labels(labeller, sessions)
    return {
        "model_version": labeller.version,
        "predictions": [_prediction(outcome, labels) for outcome in outcomes],
    }


def explain_stored(
    engine: sa.Engine, name: str, champion: Champion, now: datetime
) -> dict[str, Any]:
    """Why stored sessions have the labels that they have.

    Args:
        engine: the database, its schema up to date.
        name: a session's id, ours or its source's own, which several operators may have.
        champion: which model version labels.
        now: the time of asking, UTC.

    Returns:
        `model_version`, and `sessions`: of each with that name, by id, its labels and why.

    Raises:
        PipelineError: no session has that name, or no model is the champion.
    """
    with engine.connect() as connection:
        labeller = _that_labels(connection, champion, now)
        named = find_sessions(connection, name)
        sessions = read_sessions(connection, named)
    if not named:
        raise PipelineError(
            f"no session is stored as {name}",
            mend="name our id or its source's own; what was refused: `ev-pipeline quarantine list`",
        )
    labels = _labels(labeller, sessions)
    return {
        "model_version": labeller.version,
        "sessions": [
            {"session_id": session_id, "source_session_id": named[session_id], **labels[session_id]}
            for session_id in sorted(labels)
        ],
    }


def _that_labels(connection: sa.Connection, champion: Champion, now: datetime) -> Labeller:
    labeller = champion(connection, now)
    if labeller is None:
        raise PredictionError(
            "no_champion", "no model is the champion", mend="train one: `ev-pipeline run retrain`"
        )
    return labeller


def _rehearse(connection: sa.Connection, settings: Settings, question: Message) -> list[Outcome]:
    """What becomes of each record, in the question's order, as long as the transaction lasts."""
    groups = decode_messages([question], default_scope=settings.operator)
    n_records = sum(group.batch.frame.height for group in groups)
    if n_records > MAX_RECORDS:
        raise PredictionError(
            "too_many",
            f"the question has {n_records:,} records",
            mend=f"ask about {MAX_RECORDS} at most at a time",
        )
    placed: list[tuple[int, Outcome]] = []
    for group in groups:
        take_in(connection, stream_job(settings, group, question.received_at))
        lines = group.batch.frame["line"].to_list()
        placed.extend((lines[each.ordinal], each) for each in read_outcomes(connection))
    return [outcome for _, outcome in sorted(placed, key=lambda each: each[0])]


def _labels(labeller: Labeller, sessions: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """By session id what the version says of it, and why."""
    values = session_values(describe_sessions(sessions.lazy()).collect())
    labelled = zip(
        labeller.label(sessions).iter_rows(named=True),
        explain_clusters(labeller.bundle.clusters, values),
        sessions["quality_codes"].to_list(),
        strict=True,
    )
    return {
        label["session_id"]: {
            "kmeans_cluster": label["kmeans_cluster"],
            "cluster_name": why.centres[0].cluster_name,
            "distance": why.centres[0].distance,
            "next_cluster": why.centres[1].cluster,
            "next_distance": why.centres[1].distance,
            "cluster_reasons": asdict(why),
            "dbscan_cluster": label["dbscan_cluster"],
            "anomaly_score": label["anomaly_score"],
            "threshold": labeller.bundle.anomalies.threshold,
            "is_anomaly": label["is_anomaly"],
            "anomaly_reasons": json.loads(label["anomaly_reasons"]),
            "quality_codes": codes,
        }
        for label, why, codes in labelled
    }


def _prediction(outcome: Outcome, labels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One record's part of the answer; what is not known of a refused one is left out."""
    told = asdict(outcome)
    ids = {name: told[name] for name in ("session_id", "source_session_id")}
    if outcome.session_id is not None and outcome.decision != "quarantined":
        return {**ids, "decision": outcome.decision, **labels[outcome.session_id]}
    reasons = [_known(reason) for reason in outcome.reasons]
    return {**_known(ids), "decision": outcome.decision, "reasons": reasons}


def _known(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
