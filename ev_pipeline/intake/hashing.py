"""Users' ids that are stored as they came are hashed, once, when that is asked for.

What lives here: the order of the steps. What does not: hashing what comes later (`user_ids`).

Nothing but names changes: sums, features and models are the same under the new ones, and hence
the change log tells of no correction, and every label stands.
"""

from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from ev_pipeline.domain.pseudonyms import key_check, pseudonym
from ev_pipeline.intake.persons_in_quarantine import hash_users
from ev_pipeline.intake.user_ids import matching_key
from ev_pipeline.settings import Settings
from ev_pipeline.stack.user_key import ensure_user_key
from ev_pipeline.storage.artifacts import rename_users, user_keys
from ev_pipeline.storage.forgotten import UserKey, keep_key, known_key, record_erasure
from ev_pipeline.storage.loads import own_ground, own_stations
from ev_pipeline.storage.models_lock import COMMAND_WAIT_S, models_lock
from ev_pipeline.storage.user_names import named_users, rename_everywhere


def follow_hashing(engine: sa.Engine, settings: Settings, *, by: str) -> int:
    """Users' ids are stored as keyed hashes, if the settings want it so.

    Args:
        engine: the database.
        settings: whether they do, and where the key is.
        by: who asks for it, for the record.

    Returns:
        How many users are named anew.

    Raises:
        PipelineError: the key is not there, or a training goes on.
    """
    if not settings.hash_user_ids or _is_hashing(engine):
        return 0
    now = datetime.now(UTC)
    with (
        models_lock(engine, holder="hashing of users' ids", wait_s=COMMAND_WAIT_S),
        engine.begin() as connection,
    ):
        own_ground(connection, wait_s=COMMAND_WAIT_S)
        own_stations(connection)
        known = known_key(connection)
        key = ensure_user_key(settings) if known is None else matching_key(settings, known)
        renamed = {
            (scope, user_id): pseudonym(key, scope, user_id)
            for scope, user_id in named_users(connection)
        }
        counts = rename_everywhere(connection, renamed)
        counts["models"] = _rename_in_models(connection, renamed)
        counts["quarantined"] = hash_users(connection, key, partial(pseudonym, key), settings)
        keep_key(connection, UserKey(key_check(key), is_hashing=True), now)
        record_erasure(connection, "hash", scope=None, at=now, by=by, counts=counts)
    return len(renamed)


def _is_hashing(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        known = known_key(connection)
    return known is not None and known.is_hashing


def _rename_in_models(connection: sa.Connection, renamed: dict[tuple[str, str], str]) -> int:
    scopes = [scope for scope, _ in renamed]
    before = user_keys(scopes, [user_id for _, user_id in renamed])
    after = user_keys(scopes, list(renamed.values()))
    return rename_users(connection, dict(zip(before, after, strict=True)))
