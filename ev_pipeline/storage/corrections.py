"""Stored sessions corrected where they stand: a new revision, and both sides in the change log.

What lives here: the one form of such a statement. What does not: what is corrected (`stations`,
`station_flags`), and corrections that a source sends (`sessions`).
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.codes import CODES, Severity, code_names
from ev_pipeline.storage.changes import CHANGED, LOG

CODE_NAMES: Final = {
    "order": [code.name for code in CODES],
    "warnings": list(code_names(Severity.WARNING)),
}
"""Parameters that statements with `in_order` and `QUALITY` need."""

QUALITY: Final = """
    quality_codes = o.codes,
    quality = case when o.codes && cast(:warnings as text[]) then 'warning' else 'valid' end
"""
"""How a correction sets what is said of a session; its old side tells the new `codes`."""


def in_order(codes: str) -> str:
    """An array of codes, ordered as they are listed.

    Args:
        codes: a query for the codes, in the column `code`.
    """
    return f"""
        array(select code from ({codes}) codes
            order by array_position(cast(:order as text[]), code))
    """  # noqa: S608 -- constant names


def correction(old: str, changes: str) -> sa.TextClause:
    """The statement that corrects sessions; two rows of the log a session.

    Args:
        old: a query that locks rows of `ev_session` in order of their ids, and gives their columns
            and whatever `changes` needs.
        changes: what is set, in terms of `o`, a row of `old`.
    """
    return sa.text(f"""
        with old as materialized ({old}), new as (
            update ev_session s set revision = s.revision + 1, {changes}
            from old o
            where s.session_id = o.session_id
            returning s.*
        )
        {LOG}
        select session_id, revision, 'correction', sign, {CHANGED}
        from (
            select -1 as sign, session_id, revision, {CHANGED} from old
            union all
            select 1, session_id, revision, {CHANGED} from new
        ) both_sides
        order by session_id, sign
    """)  # noqa: S608 -- constant conditions and column names
