"""Every way in which a file can be wrong, as a person meets it who loads many at once."""

import gzip
import io
import json
import os
import random
import re
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    a_session,
    assert_ledger_adds_up,
    dump,
    rows,
    write_sessions,
    write_table,
)
from ev_pipeline_tests.intake.loader import counts
from ev_pipeline_tests.rights import without_rights

HEADER: Final = b"station_id,started_at,ended_at,energy_kwh\n"
ROW: Final = b"A,2024-05-06T08:00:00Z,2024-05-06T10:00:00Z,3\n"
SOUND: Final = HEADER + b"".join(b"B%d" % n + ROW[1:] for n in range(2_000))


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sessions.csv", content)
    return stream.getvalue()


UNREADABLE: Final = {
    "empty.csv": (b"", "the file is empty; export it again"),
    "delimiter.csv": (SOUND.replace(b",", b";"), "check delimiter"),
    "missing.csv": (HEADER.replace(b",energy_kwh", b"") + ROW, "there is no column 'energy_kwh'"),
    "renamed.csv": (SOUND.replace(b"energy_kwh", b"Energy_kWh_"), "it may be 'Energy_kWh_'"),
    "twice.csv": (HEADER.replace(b"\n", b",energy_kwh\n") + ROW, "stands twice"),
    "binary.csv": (bytes(range(256)) * 10, "this is not a text file"),
    "elf.csv": (b"\x7fELF\x02\x01\x01\0\0\0", "this is not a text file"),
    "parquet.csv": (b"PAR1\x15\x04", "this is a Parquet file"),
    "wide.csv": (SOUND.decode().encode("utf-16"), 'say encoding = "utf-16"'),
    "latin.csv": ("Säule;".encode("latin-1") + SOUND, "the header is not utf-8"),
    "quote.csv": (b'"' + SOUND, "a quote in the header is opened and not closed"),
    "long.csv": (b"x" * (4 << 20), "there is no column"),
    "cut.csv.gz": (gzip.compress(SOUND)[:-9], "truncated or damaged"),
    "cut.zip": (zipped(SOUND)[:-30], "truncated or damaged"),
    "cut.json": (b'[{"station_id": "A"}, {"sta', "the file ends in the middle of it"),
    "text.json": (b"[oops]", "element 1 is no JSON"),
}
"""Files that cannot be read, and what is said of them."""

READABLE: Final = {
    "sound.csv": SOUND,
    "sound.csv.gz": gzip.compress(SOUND.replace(b"B", b"C")),
    "sound.zip": zipped(SOUND.replace(b"B", b"D")),
}
"""Files between them, of 2,000 sessions each."""


def command(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_unreadable_file_is_one_line_and_the_others_are_stored(
    engine: sa.Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, content in (READABLE | {name: said[0] for name, said in UNREADABLE.items()}).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "header.csv").write_bytes(HEADER)
    expected = {name: said for name, (_, said) in UNREADABLE.items()} | {
        "absent.csv": "No such file or directory; check the path",
        "folder": "Is a directory; name its files",
        "pipe": "a pipe or a device, which cannot be read twice; write it into a file",
    }
    paths = [tmp_path / name for name in (*expected, "header.csv", *READABLE)]

    done = command(environment, "load", "canonical", *paths, "--json")

    assert done.returncode == 1
    *errors, remark = done.stderr.splitlines()
    assert remark == f"{tmp_path}/header.csv holds no records: nothing to load"
    assert len(errors) == len(expected)
    for line, (name, said) in zip(errors, expected.items(), strict=True):
        assert re.match(rf"error: {re.escape(str(tmp_path))}/{name}[:,]", line)
        assert said in line
        assert len(line) < 700
    assert json.loads(done.stdout)["stored"] == 2_000 * len(READABLE)
    assert rows(engine, "select count(*) from ev_session") == [2_000 * len(READABLE)]
    assert_ledger_adds_up(engine)


@pytest.mark.parametrize("words", [["load"], ["sources", "check"]], ids=" ".join)
def test_a_file_of_another_mapping_is_refused_and_nothing_of_it_stored(
    engine: sa.Engine, environment: dict[str, str], words: list[str]
) -> None:
    sample = Path(__file__).parents[2] / "data" / "sessions.csv"
    done = command(environment, *words, "canonical_stations", sample)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "this is no file of canonical_stations: its header is session_id," in done.stderr
    assert "load it by the mapping canonical" in done.stderr
    assert rows(engine, "select * from ev_station") == []
    assert rows(engine, "select * from ev_load") == []


def test_a_file_whose_name_is_no_utf_8_is_stored_and_listed(
    engine: sa.Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(b"S\xfcd.csv")
    path.write_bytes(HEADER + ROW)
    done = command(environment, "load", "canonical", path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert rows(engine, "select path from ev_load") == [rf"{tmp_path}/S\xfcd.csv"]


def test_a_file_without_permission_stores_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = write_sessions(tmp_path / "s.json", [a_session()])
    path.chmod(0)
    before = dump(engine)
    with without_rights(), pytest.raises(PipelineError, match=r"s\.json.*Permission denied"):
        load_file(engine, settings, CANONICAL, path)
    assert dump(engine) == before


def appends(path: Path) -> Callable[[int], None]:
    def append(_: int) -> None:
        with path.open("ab") as file:
            file.write(ROW)

    return append


def test_a_file_that_grew_before_it_was_read_again_stores_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(HEADER + ROW + ROW.replace(b",3", b",4"))
    before = dump(engine)
    with pytest.raises(PipelineError, match="changed while it was loaded; nothing was stored"):
        load_file(engine, settings, CANONICAL, path, progress=appends(path))
    assert dump(engine) == before


HOSTILE: Final = {
    "SQL": "'; drop table ev_session; --",
    "shell": "$(reboot) `reboot` | reboot; & > /dev/null",
    "NUL": "a\0b",
    "emoji": "🚗⚡👩‍🚒",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd",
    "escapes": "\x1b[2J\x07\\N\\.",
    "half a character": "\ud800",
    "long": "".join(random.Random(1).choices(string.ascii_letters, k=10_000)),  # noqa: S311 -- no secret
    "too long": "x" * 10_001,
}
FIELDS: Final = ("session_id", "station_id", "connector_id", "user_id", "stop_reason", "currency")


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_hostile_texts_in_any_field_are_stored_or_quarantined(
    engine: sa.Engine, settings: Settings, tmp_path: Path, form: str
) -> None:
    plain = {"stop_reason": None, "currency": None}
    sessions = [
        a_session(**{**plain, "session_id": f"{field} {name}", "station_id": f"{n}", field: text})
        for field in FIELDS
        for n, (name, text) in enumerate(HOSTILE.items())
        if form != "csv" or name != "half a character"
    ]
    path = tmp_path / f"s.{form}"
    if form == "csv":
        write_table(path, sessions)
    elif form == "json":
        write_sessions(path, sessions)
    else:
        path.write_text("\n".join(map(json.dumps, sessions)), encoding="utf-8")
    result = load_file(engine, settings, CANONICAL, path)
    told = counts(result)
    assert told["received"] == len(sessions) == told["stored"] + told["quarantined"]
    unstorable = {"NUL", "half a character"} & set(HOSTILE if form != "csv" else ["NUL"])
    assert result.tally.reasons == {
        "malformed": len(FIELDS) * len(unstorable),
        # a currency is three letters; a key holds 500 bytes, any other text 10,000 characters
        "bad_value": len(HOSTILE) - 2 + 2 * 3 + 2,
    }
    texts = set(rows(engine, "select stop_reason from ev_session where stop_reason is not null"))
    assert texts == {
        text
        for name, text in HOSTILE.items()
        if name not in ("NUL", "half a character", "too long")
    }
    assert_ledger_adds_up(engine)
