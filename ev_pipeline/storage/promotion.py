"""A version becomes champion while others read and write.

What lives here: the order of steps that shows one champion's labels or another's, never both.
What does not: which version deserves it (`assets.champion`, and a person's `models promote`).
"""

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.storage import registry
from ev_pipeline.storage.instant_labels import label_rest
from ev_pipeline.storage.labels import Labeller, count_missing, label_everything, label_missing
from ev_pipeline.storage.partitions import drop_partitions

_MOST_UNDER_LOCK: Final = 500
"""Sessions labelled while the champion's row is held, as a rule: some 30 ms for whoever waits."""

_PASSES: Final = 5
"""Passes without the lock, each shorter than the one before as a rule, until so few are left."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion did.

    Args:
        version: the champion afterwards.
        previous: the champion before; null where there was none.
        n_labels: labels written.
        held_s: time for which the champion's row was locked, s.
    """

    version: str
    previous: str | None
    n_labels: int
    held_s: float


def load_labeller(engine: sa.Engine, version: str, *, labelled_at: datetime) -> Labeller:
    """The version's model, checked against its hash.

    Raises:
        PipelineError: no such version is registered.
    """
    with engine.connect() as connection:
        record = registry.read_version(connection, version)
        if record is None:
            raise PipelineError(
                f"there is no model version {version}", mend="see `ev-pipeline models list`"
            )
        artifact = registry.read_artifact(connection, version)
    bundle = ModelBundle.from_bytes(artifact, record.artifact_sha256)
    return Labeller(version, bundle, record.trained_at, labelled_at)


def read_champion_bundle(engine: sa.Engine) -> ModelBundle | None:
    """The champion's model, checked against its hash; null where there is none.

    Raises:
        UnreadableModelError: its artifact has changed since, or is another release's.
    """
    with engine.connect() as connection:
        champion = registry.read_champion(connection)
        if champion is None:
            return None
        artifact = registry.read_artifact(connection, champion.version)
    return ModelBundle.from_bytes(artifact, champion.artifact_sha256)


def promote(engine: sa.Engine, version: str, *, reason: str, promoted_at: datetime) -> Promotion:
    """Make `version` the champion, with a label for every stored session.

    Until the last transaction the old champion and its labels are what everybody sees; a process
    that dies before leaves them so. The caller holds `models_lock`.

    Args:
        engine: the database.
        version: a registered version; the champion itself only gets its missing labels.
        reason: why, for people.
        promoted_at: the time of it, UTC.
    """
    labeller = load_labeller(engine, version, labelled_at=promoted_at)
    _drop_old_labels(engine, besides={version})
    n_labels = _label_until_few_are_left(engine, labeller)
    with engine.begin() as connection:
        previous = registry.lock_champion(connection)
        since = perf_counter()
        if count_missing(connection, version) <= _MOST_UNDER_LOCK:
            n_labels += label_rest(connection, labeller)
        else:  # a load was committed just now
            n_labels += label_missing(engine, connection, labeller)
        if previous != version:
            registry.make_champion(connection, version, reason=reason, promoted_at=promoted_at)
    held_s = perf_counter() - since
    _drop_old_labels(engine, besides=set())
    return Promotion(version, previous, n_labels, held_s)


@dataclass(frozen=True, slots=True)
class Labelling:
    """What labelling for the champion did.

    Args:
        version: the champion.
        n_labels: labels written.
    """

    version: str
    n_labels: int


def label_for_champion(engine: sa.Engine, *, labelled_at: datetime) -> Labelling:
    """Label the sessions for which the champion has no label yet. The caller holds `models_lock`.

    Raises:
        PipelineError: there is no champion.
    """
    with engine.connect() as connection:
        champion = registry.read_champion(connection)
    if champion is None:
        raise PipelineError("there is no champion", mend="train one: `ev-pipeline run retrain`")
    labeller = load_labeller(engine, champion.version, labelled_at=labelled_at)
    return Labelling(champion.version, label_everything(engine, labeller))


def _label_until_few_are_left(engine: sa.Engine, labeller: Labeller) -> int:
    n_labels = 0
    for _ in range(_PASSES):
        n_labels += label_everything(engine, labeller)
        with engine.connect() as connection:
            if count_missing(connection, labeller.version) <= _MOST_UNDER_LOCK:
                break
    return n_labels


def _drop_old_labels(engine: sa.Engine, *, besides: set[str]) -> None:
    """Keep the labels of the champion, for a rollback those of the one before, and `besides`."""
    with engine.connect() as connection:
        kept = [registry.read_champion(connection), registry.read_previous_champion(connection)]
    drop_partitions(engine, keep=besides | {record.version for record in kept if record})
