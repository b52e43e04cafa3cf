"""One user is forgotten: nothing that is stored tells of them, and nothing brings them back.

What lives here: the order of the steps. What does not: the steps (`storage.erasing` and others),
and records of the user that come later (`user_ids`).
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.artifact import UnreadableModelError
from ev_pipeline.domain.pseudonyms import key_check, pseudonym
from ev_pipeline.intake.mentions import is_telling
from ev_pipeline.intake.persons_in_quarantine import erase_user
from ev_pipeline.intake.user_ids import matching_key
from ev_pipeline.settings import Settings
from ev_pipeline.stack.user_key import ensure_user_key
from ev_pipeline.storage.artifacts import rename_users, user_keys
from ev_pipeline.storage.erasing import erase_features, erase_persons, of_user
from ev_pipeline.storage.forgotten import (
    UserKey,
    add_tombstone,
    keep_key,
    known_key,
    record_erasure,
)
from ev_pipeline.storage.loads import own_ground, own_stations, replace_in_paths
from ev_pipeline.storage.models_lock import COMMAND_WAIT_S, models_lock
from ev_pipeline.storage.promotion import label_for_champion
from ev_pipeline.storage.registry import read_champion
from ev_pipeline.storage.rollups import compact
from ev_pipeline.storage.user_names import operators, operators_of

_KEY_BYTES: Final = 32
_IN_PATHS: Final = "forgotten"
"""What stands in the name of a loaded file for the id."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased.

    Args:
        is_new: whether the user was not forgotten before.
        counts: rows by what they are.
        elsewhere: where nothing was found, other operators who have a user of that name.
    """

    is_new: bool
    counts: dict[str, int]
    elsewhere: list[str]


def forget_user(
    engine: sa.Engine,
    settings: Settings,
    user_id: str,
    *,
    scope: str,
    by: str,
    dry_run: bool = False,
) -> Forgotten:
    """Nothing of the operator's data tells of the user.

    Their sessions stay as energy that flowed: without the user, how they were authorised, and
    their vehicle. Panels, being sums of these, stay as they are, but for counts of users.

    Args:
        engine: the database.
        settings: where the key is, and limits.
        user_id: the id as the source writes it, or its hash.
        scope: the operator.
        by: who asks for it, for the record.
        dry_run: whether everything is done and then taken back.

    Raises:
        PipelineError: the id is empty, the key is not there, or a training or load goes on.
    """
    if not user_id.strip():
        raise PipelineError("no user is named", mend="name one, as the source writes the id")
    now = datetime.now(UTC)
    with models_lock(engine, holder="ev-pipeline forget", wait_s=COMMAND_WAIT_S):
        with engine.connect() as connection, connection.begin() as transaction:
            own_ground(connection, wait_s=COMMAND_WAIT_S)
            own_stations(connection)
            key = _key(connection, settings, now, is_kept=not dry_run)
            names = [*{user_id: None, pseudonym(key, scope, user_id): None}]
            counts = _erase(connection, settings, names, scope=scope, key=key)
            elsewhere = [] if any(counts.values()) else _elsewhere(connection, user_id, key)
            is_new = add_tombstone(connection, scope, names[-1], now)
            record_erasure(connection, "forget", scope=scope, at=now, by=by, counts=counts)
            if dry_run:
                transaction.rollback()
        if counts["labels"] and not dry_run:
            label_again(engine, now)
    if not dry_run:
        compact(engine, settings)
    return Forgotten(is_new, counts, elsewhere)


def label_again(engine: sa.Engine, now: datetime) -> None:
    """Sessions whose labels were erased have the champion's. The caller holds `models_lock`.

    Where the champion cannot be read, the next one labels them.
    """
    with engine.connect() as connection:
        if read_champion(connection) is None:
            return
    try:
        label_for_champion(engine, labelled_at=now)
    except UnreadableModelError:
        return


def _key(connection: sa.Connection, settings: Settings, now: datetime, *, is_kept: bool) -> bytes:
    """The key; one for the moment where there is none, and nothing is to be kept."""
    known = known_key(connection)
    if known is not None:
        return matching_key(settings, known)
    key = ensure_user_key(settings) if is_kept else secrets.token_bytes(_KEY_BYTES)
    keep_key(connection, UserKey(key_check(key), is_hashing=False), now)
    return key


def _elsewhere(connection: sa.Connection, user_id: str, key: bytes) -> list[str]:
    """The operators who have a user of that name."""
    hashes = {pseudonym(key, scope, user_id) for scope in operators(connection)}
    return operators_of(connection, [user_id, *hashes])


def _erase(
    connection: sa.Connection, settings: Settings, names: list[str], *, scope: str, key: bytes
) -> dict[str, int]:
    counts = erase_persons(connection, of_user(scope, names))
    for name, n_more in erase_features(connection, scope, names).items():
        counts[name] += n_more
    keys = user_keys([scope] * len(names), names)
    telling = "|".join(re.escape(name) for name in names if is_telling(name))
    whole = re.compile(rf"(?<!\w)(?:{telling})(?!\w)")
    return {
        **counts,
        "quarantined": erase_user(connection, names, scope=scope, key=key, limits=settings),
        "models": rename_users(connection, dict.fromkeys(keys)),
        "loads": replace_in_paths(connection, lambda path: whole.sub(_IN_PATHS, path), scope=scope),
    }
