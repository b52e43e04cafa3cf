"""One CSV record's values, split where the fast parser gives up.

What lives here: what a value looks like, and a record cut into values.
What does not: whole blocks of records, and what is wrong with one (`csv_records`).
"""

import re

from ev_pipeline.sources.mapping import Mapping


def field_pattern(mapping: Mapping) -> re.Pattern[str]:
    """One value: a quoted text and whatever follows it, or a bare text."""
    delimiter, quote = re.escape(mapping.file.delimiter), re.escape(mapping.file.quote)
    bare = f"[^{delimiter}]*"
    if not quote:
        return re.compile(f"(?P<quoted>)(?P<bare>{bare})")
    inside = f"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*"
    quoted = f"{quote}(?P<quoted>{inside}){quote}(?!{quote})"
    return re.compile(f"(?:{quoted}|(?!{quote}))(?P<bare>{bare})")


def split_fields(record: str, field: re.Pattern[str]) -> list[str] | None:
    """The values of one record, as the `csv` module would split it; null if a quote is left open.

    Args:
        record: the text of the record.
        field: what a value looks like, from `field_pattern`.
    """
    values, position = [], 0
    while position <= len(record):
        match = field.match(record, position)
        if match is None:
            return None
        quoted = match.group("quoted") or ""
        if quoted:
            quote = record[position]
            quoted = quoted.replace(quote * 2, quote)
        values.append(quoted + match.group("bare"))
        position = match.end() + 1
    return values
