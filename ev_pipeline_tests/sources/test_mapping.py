from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS
from ev_pipeline.sources.mapping import load_mapping, parse_mapping, shipped_mappings
from ev_pipeline.sources.mapping_errors import line_of
from ev_pipeline_tests.sources.reading import PLAIN


def refusal(text: str) -> str:
    with pytest.raises(PipelineError) as refused:
        parse_mapping(text, where="my.toml")
    return str(refused.value)


def test_the_shipped_mappings_are_those_of_the_contract() -> None:
    assert {name: mapping.records for name, mapping in shipped_mappings().items()} == {
        "acn": "session",
        "asensio_workplace": "session",
        "boulder": "session",
        "boulder_stations": "site",
        "canonical": "session",
        "canonical_stations": "station",
        "cary": "session",
        "dundee": "session",
        "dundee_stations": "station",
        "eredes_stations": "station",
        "ev_charging_patterns": "session",
        "ocpi_cdr": "session",
        "perth_kinross": "session",
        "perth_kinross_stations": "site",
    }


def test_only_what_goes_with_any_operator_names_no_scope() -> None:
    without = {name for name, mapping in shipped_mappings().items() if mapping.scope is None}
    assert without == {
        "canonical",
        "canonical_stations",
        "ev_charging_patterns",
        "eredes_stations",
        "ocpi_cdr",
    }


def test_canonical_reads_every_field_and_names_no_scope() -> None:
    for name, fields in (("canonical", SESSION_FIELDS), ("canonical_stations", STATION_FIELDS)):
        mapping = load_mapping(name)
        assert list(mapping.sources) == [field.name for field in fields]
        assert mapping.scope is None


def test_a_mapping_can_be_read_again_from_its_own_text() -> None:
    for mapping in shipped_mappings().values():
        assert parse_mapping(mapping.text, where="again") == mapping


@pytest.mark.parametrize(
    ("old", "new", "place", "mend"),
    [
        ("energy_kwh =", "energy_kw =", "line 11", "did you mean energy_kwh?"),
        ('records = "session"', 'records = "sesion"', "line 4", "write one of 'session'"),
        ("station_id =", "station_id", "line 8, column 12", "write key ="),
        ('"dd/mm/yyyy HH:MM"] }\nen', '"dd/mm/yyyy hh:mm"] }\nen', "line 9", "dd/mm/yyyy HH:MM"),
        ('"kwh"', '{ column = "kwh", unit = "Wph" }', "line 11", "its units: kWh, Wh"),
        ('"kwh"', '{ column = "kwh", unitt = "Wh" }', "line 11", "did you mean unit?"),
        (
            '"kwh"',
            '{ column = "kwh", format = "h:mm:ss" }',
            "line 11",
            "only durations and times have a format",
        ),
        ('"kwh"', '{ until = "kwh", format = "iso" }', "line 11", "does not fit energy_kwh"),
        ('"kwh"', '{ until = "kwh" }', "line 11", 'format = "iso"'),
        ('"kwh"', "5", "line 11", "docs/mapping.md"),
        ('"Europe/London"', '"London"', "line 5", "Europe/London"),
        ('zone = "Europe/London"\n', "", "line 8", 'zone = "Europe/London"'),
        ('station_id = "station"\n', "", "line 7", 'write station_id = "the column"'),
        ('name = "plain"\n', "", "line 1", "add name = ..."),
        ('"A plain source"', '"A plain\nsource"', "line 3", "texts in double quotes"),
        ('{ column = "end"', '{ column = "end", start_plus = "x"', "line 10", "docs/mapping.md"),
    ],
)
def test_a_wrong_mapping_is_told_the_line_and_the_mend(
    old: str, new: str, place: str, mend: str
) -> None:
    assert PLAIN.count(old) >= 1
    said = refusal(PLAIN.replace(old, new, 1))
    assert said.startswith(f"my.toml, {place}")
    assert mend in said
    assert "\n" not in said


def test_times_that_each_follow_from_the_other_are_refused() -> None:
    said = refusal("""
name = "x"
title = "x"
records = "session"
[fields]
station_id = "s"
energy_kwh = "e"
started_at = { end_minus = "h" }
ended_at = { start_plus = "h" }
""")
    assert "cannot each follow from the other" in said


def test_a_variant_says_what_it_lacks() -> None:
    assert 'without = ["User ID"]' in refusal(PLAIN + '\n[[variant]]\nfile = { decimal = "," }\n')


@pytest.mark.parametrize("own", ["resolution_s = 60", "has_corrections = true", 'scope = "other"'])
def test_a_variant_has_no_identity_of_its_own(own: str) -> None:
    said = refusal(PLAIN + f'\n[[variant]]\nwithout = ["User ID"]\n{own}\n')
    key = own.split(" ", maxsplit=1)[0]
    assert f"a [[variant]] has its own {key}" in said
    assert f"line {PLAIN.count(chr(10)) + 4}" in said


def test_an_end_from_receipt_needs_a_start_from_the_duration() -> None:
    said = refusal("""
name = "x"
title = "x"
records = "session"
[fields]
station_id = "s"
energy_kwh = "e"
started_at = { column = "t", format = "iso" }
ended_at = { receipt = true }
""")
    assert "started_at = { end_minus" in said


def test_a_mapping_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"did you mean dundee\?"):
        load_mapping("dunde")
    path = tmp_path / "latin.toml"
    path.write_bytes(PLAIN.replace("plain source", "plain søurce").encode("latin-1"))
    with pytest.raises(PipelineError, match="readable text file in UTF-8"):
        load_mapping(str(path))


def test_a_mapping_file_is_loaded_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "plain.toml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.encode())
    assert load_mapping(str(path)).name == "plain"


names = st.text(st.sampled_from("abc_"), min_size=1, max_size=4)


@given(st.lists(st.tuples(names, names), unique=True, min_size=1), st.data())
def test_a_keys_line_is_found(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    lines = [line for table, key in pairs for line in (f"[ {table} ]", "# x = 1", f" {key} = 1")]
    index = data.draw(st.integers(0, len(pairs) - 1))
    assert line_of("\n".join(lines), pairs[index]) == index * 3 + 3


@pytest.mark.parametrize(
    ("old", "new", "place", "mend"),
    [
        ('"kwh"', '{ column = "kwh", times_in = "UTC" }', "line 11", "times_in belong to times"),
        ('"kwh"', '{ column = "kwh", skip_lines = 1 }', "line 11", "skip_lines stands in [file]"),
        ('"station"', '{ column = "station", split = "/" }', "line 8", 'before = "/"'),
        ('"station"', '{ column = "station", unit = "Wh" }', "line 8", "in a field that is a time"),
        ("zone = ", "decimal = ", "line 5", "decimal stands in [file]"),
        ('"kwh"\n', '"kwh"\n[station]\nmunicipality = "x"\n', "line 13", "known there: name, lat"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_the_right_one(
    old: str, new: str, place: str, mend: str
) -> None:
    said = refusal(PLAIN.replace(old, new, 1))
    assert said.startswith(f"my.toml, {place}")
    assert mend in said
    assert "did you mean" not in said


def test_a_zone_that_programs_read_differently_is_refused_with_a_citys() -> None:
    assert "like Europe/Brussels" in refusal(PLAIN.replace("Europe/London", "CET"))
