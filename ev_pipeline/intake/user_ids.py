"""What records may tell of who charged: all, a keyed hash instead of the id, or nothing.

What lives here: settling that for the records of one load. What does not: hashing
(`domain.pseudonyms`), and the bytes of refused records (`raw_records`).

It comes after validation, so that a record is judged by all that it says, and before a record is
held against what is stored, which may not say it any more.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.pseudonyms import PERSONAL_CODES, PERSONAL_FIELDS, key_check, pseudonym
from ev_pipeline.domain.validation import REASON
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.mentions import any_of, possible_ids, texts_of
from ev_pipeline.settings import Settings
from ev_pipeline.stack.user_key import read_user_key
from ev_pipeline.storage.forgotten import UserKey, forgotten_among, forgotten_of, known_key

NAMED_AS: Final = "named_as"
"""Column of settled records: the user's id as it came."""

IS_FORGOTTEN: Final = "is_forgotten"
"""Column of settled records: whether the user is."""

IS_ERASED: Final = "is_erased"
"""Column of settled records: whether they tell nothing of their user, forgotten or long gone."""

LOOSE_COLUMNS: Final = ("source_session_id", "station_id", "connector_id")
"""Texts that an entry shows beside its bytes; fields that slipped put an id there."""

_KEPT_ANSWERS: Final = 65_536
"""Possible ids of which it is remembered whether they are a forgotten user's."""


def matching_key(settings: Settings, known: UserKey) -> bytes:
    """The key by which the database's hashes were made.

    Raises:
        PipelineError: it is not there, or the file holds another.
    """
    key = read_user_key(settings)
    if key_check(key) != known.check:
        raise PipelineError(
            "the key of users' ids is not the one that this database goes by",
            mend="put back the key that belongs to it, or name its file by EV_USER_ID_KEY_FILE",
        )
    return key


class UserIds:
    """How the records of one load name their users.

    Args:
        connection: the load's transaction, which keeps users from being forgotten meanwhile.
        job: the load.

    Raises:
        PipelineError: the key is needed and is not there; or ids are to be hashed, and what is
            stored is not yet.
    """

    def __init__(self, connection: sa.Connection, job: Job) -> None:
        known = known_key(connection)
        settings = job.settings
        self.is_hashing: Final = known is not None and known.is_hashing
        if settings.hash_user_ids and not self.is_hashing:
            raise PipelineError(
                "EV_HASH_USER_IDS is set, and users' ids are stored as they came",
                mend="run `ev-pipeline migrate` with the same setting: it hashes them",
            )
        self.key: Final = None if known is None else matching_key(settings, known)
        self._connection = connection
        self._scope = job.origin.scope
        self._encoding = job.mapping.file.encoding
        days = settings.keep_user_ids_days
        self._ended_before = job.origin.received_at - timedelta(days=days) if days else None

    @property
    def is_idle(self) -> bool:
        """Whether records may say what they say."""
        return self.key is None and self._ended_before is None

    def settled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The records say of their users what may be stored.

        Args:
            rows: judged records; the connection is free.

        Returns:
            The frame, with `NAMED_AS`, `IS_FORGOTTEN` and `IS_ERASED` beside.
        """
        hashes = self._hashes(rows)
        forgotten = self._forgotten(hashes)
        named = pl.col("user_id")
        is_forgotten = pl.lit(value=False)
        if forgotten:
            is_forgotten = named.is_in(forgotten).fill_null(value=False)
        is_erased = is_forgotten
        if self._ended_before is not None:
            is_erased = is_erased | (pl.col("ended_at") < self._ended_before).fill_null(value=False)
        shown = named
        if self.is_hashing:
            shown = named.replace_strict(hashes, default=None, return_dtype=pl.String)
        fields = [name for name in PERSONAL_FIELDS if name in rows.columns]
        kept = {name: shown if name == "user_id" else pl.col(name) for name in fields}
        erased = [pl.when(~is_erased).then(value).alias(name) for name, value in kept.items()]
        return rows.with_columns(
            *erased,
            named.alias(NAMED_AS),
            is_forgotten.alias(IS_FORGOTTEN),
            is_erased.alias(IS_ERASED),
        )

    def settled_refused(self, rows: pl.DataFrame, raws: list[bytes]) -> pl.DataFrame:
        """The same for refused records, whose reasons may quote what must not be stored.

        A record is also a forgotten user's that has the id among its words, in whatever field; then
        nothing is quoted of it.

        Args:
            rows: as for `settled`.
            raws: the bytes of each.
        """
        told = self._forgotten_in(raws)
        mentions = pl.lit(pl.Series([bool(ids) for ids in told], dtype=pl.Boolean))
        field, code = pl.element().struct.field("field"), pl.element().struct.field("code")
        tells_id = (field == "user_id") | (code == "malformed")
        tells_person = field.is_in(PERSONAL_FIELDS) | code.is_in(PERSONAL_CODES)
        return (
            self.settled(rows)
            .with_columns(_without(told, rows[name]) for name in LOOSE_COLUMNS if name in rows)
            .with_columns(pl.col(IS_FORGOTTEN) | mentions, pl.col(IS_ERASED) | mentions)
            .with_columns(
                pl.when(IS_FORGOTTEN)
                .then(_without_values(pl.lit(value=True)))
                .when(IS_ERASED)
                .then(_without_values(tells_person))
                .when(pl.lit(self.is_hashing))
                .then(_without_values(tells_id))
                .otherwise("errors")
                .alias("errors")
            )
        )

    def _forgotten_in(self, raws: list[bytes]) -> list[frozenset[str]]:
        """The ids of forgotten users that stand in each of the records."""
        forgotten = forgotten_of(self._connection, self._scope) if self.key else frozenset()
        if not forgotten:
            return [frozenset()] * len(raws)

        @lru_cache(_KEPT_ANSWERS)
        def is_theirs(user_id: str) -> bool:
            return self.hash_of(user_id) in forgotten

        return [
            frozenset(
                user_id
                for text in texts_of(raw, self._encoding)
                for user_id in possible_ids(text)
                if is_theirs(user_id)
            )
            for raw in raws
        ]

    def hash_of(self, user_id: str) -> str:
        """The user's keyed hash; there is a key."""
        if self.key is None:
            raise RuntimeError("there is no key to hash by")
        return pseudonym(self.key, self._scope, user_id)

    def _forgotten(self, hashes: dict[str, str]) -> list[str]:
        """Those of the users, by their hashes, who are forgotten."""
        if not hashes:
            return []
        known = forgotten_among(self._connection, self._scope, hashes.values())
        return [user for user, user_hash in hashes.items() if user_hash in known]

    def _hashes(self, rows: pl.DataFrame) -> dict[str, str]:
        if self.key is None:
            return {}
        return {user: self.hash_of(user) for user in rows["user_id"].drop_nulls().unique()}


def _without(told: list[frozenset[str]], texts: pl.Series) -> pl.Series:
    """The texts, null where one holds an id that is told of its record."""
    shown = [
        None if ids and text is not None and any_of(ids).search(text) else text
        for ids, text in zip(told, texts, strict=True)
    ]
    return pl.Series(texts.name, shown, dtype=pl.String)


def _without_values(is_silent: pl.Expr) -> pl.Expr:
    """Reasons that quote nothing where the condition about one of them holds."""
    reason = pl.element().struct
    quoted = pl.when(~is_silent.fill_null(value=False)).then(reason.field("value"))
    told = pl.struct(reason.field("code"), reason.field("field"), quoted.alias("value"))
    return pl.col("errors").list.eval(told).cast(pl.List(REASON))
