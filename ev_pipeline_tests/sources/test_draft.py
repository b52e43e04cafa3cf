"""What `sources draft` finds out about files that nobody described."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.mapping import Mapping, parse_mapping


def drafted(folder: Path, text: str | bytes, *, name: str = "export.csv") -> tuple[str, Mapping]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    toml = draft_mapping(path)
    return toml, parse_mapping(toml, where="draft.toml")


def said(mapping: Mapping) -> dict[str, dict[str, Any]]:
    """What the mapping says of each field, without what is absent."""
    return {
        field: {key: value for key, value in source if value not in (None, (), 0, False, {})}
        for field, source in (mapping.sources | mapping.hints).items()
    }


def rows(*lines: str, n: int = 40) -> str:
    """A header and `n` rows, in which `{i}` counts and `{d}` is a day of the month."""
    header, *pattern = lines
    counted = (pattern[i % len(pattern)].format(i=i, d=f"{i % 28 + 1:02d}") for i in range(n))
    return "\n".join([header, *counted]) + "\n"


LANGUAGES = {
    "English": ("Charge Point,Plug in,Plug out,Energy delivered (kWh),Card,Price", ","),
    "German": ("Ladesäule;Ladebeginn;Ladeende;Energiemenge (kWh);Ladekarte;Betrag", ";"),
    "French": ("Borne;Heure de début;Heure de fin;Consommation (kWh);Badge;Prix", ";"),
    "Spanish": ("Punto de recarga;Inicio;Fin;Energía suministrada kWh;Usuario;Importe", ";"),
    "Portuguese": ("Posto;Data de início;Data de fim;Energia (kWh);Utilizador;Custo", ";"),
    "Italian": ("Colonnina;Inizio;Fine;Energia erogata (kWh);Tessera;Costo", ";"),
    "Dutch": ("Laadpaal\tStarttijd\tEindtijd\tVerbruik (kWh)\tLaadpas\tPrijs", "\t"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_headers_are_understood_in_the_languages_of_operators(
    tmp_path: Path, language: str
) -> None:
    header, delimiter = LANGUAGES[language]
    values = ["CP-{i}", "2026-05-{d} 08:12", "2026-05-{d} 10:02", "12.{i}", "K{i}", "4.20"]
    _, mapping = drafted(tmp_path, rows(header, delimiter.join(values)))
    names = header.split(delimiter)
    wanted = ("station_id", "started_at", "ended_at", "energy_kwh", "user_id", "cost")
    assert {field: source.inputs for field, source in mapping.sources.items()} == {
        field: (name,) for field, name in zip(wanted, names, strict=True)
    }
    assert mapping.file.delimiter == delimiter
    assert mapping.resolution_s == 60


def test_encoding_byte_order_mark_and_decimal_sign_are_found(tmp_path: Path) -> None:
    text = rows("Säule;Start;Ende;kWh", "Süd;04.05.2026 08:12;04.05.2026 10:02;12,{i}")
    _, old = drafted(tmp_path, text.encode("windows-1252"))
    assert (old.file.encoding, old.file.delimiter, old.file.decimal) == ("windows-1252", ";", ",")
    toml, marked = drafted(tmp_path, text.encode("utf-8-sig"))
    assert marked.file.encoding == "utf-8"
    assert "byte order mark" in toml
    assert drafted(tmp_path, text.encode("utf-16"))[1].file.encoding == "utf-16"
    packed = drafted(tmp_path, gzip.compress(text.encode()), name="export.csv.gz")
    assert said(packed[1])["station_id"] == {"column": "Säule"}


TIMES = {
    "2026-05-{d}T08:12:00+01:00": "iso",
    "{d}/05/2026 8:12": "dd/mm/yyyy HH:MM",
    "05/{d}/26 08:12:30": "mm/dd/yy HH:MM:SS",
    "{d}.05.2026, 08:12": "dd.mm.yyyy, HH:MM",
    "{d}-May-2026 08:12 PM": "dd-mon-yyyy hh:MM AM",
    "Mon, {d} May 2026 08:12:00 GMT": "rfc1123",
    "17778823{d}": "epoch_s",
    "17778823{d}000": "epoch_ms",
    "{d}/05/2026 8h12": "dd/mm/yyyy HH'h'MM",
    "{d}. Mai 2026, 08:12 Uhr": "dd. mon yyyy, HH:MM 'Uhr'",
    "{d} févr. 2026 08:12": "dd mon yyyy HH:MM",
}


@pytest.mark.parametrize("written", TIMES)
def test_the_format_of_times_is_found(tmp_path: Path, written: str) -> None:
    if written.startswith("Mon"):  # the weekday must be right to be read
        written = "Mon, 04 May 2026 08:{d}:00 GMT"
    text = rows("Station;Start;End;kWh", f"CP-1;{written};{written};12.4")
    source = said(drafted(tmp_path, text)[1])["started_at"]
    assert source["format"] == (TIMES.get(written, "rfc1123"),)


def test_day_and_month_are_told_by_the_shorter_time_that_they_span(tmp_path: Path) -> None:
    lines = [f"CP-1,05/{day:02d}/2026 08:12,05/{day:02d}/2026 10:02,12.4" for day in range(1, 9)]
    toml, mapping = drafted(tmp_path, "\n".join(["Station,Start,End,kWh", *lines]) + "\n")
    assert said(mapping)["started_at"]["format"] == ("mm/dd/yyyy HH:MM",)
    assert "the times span 7 days, else 212" in toml


def test_day_and_month_that_nothing_tells_apart_are_to_be_checked(tmp_path: Path) -> None:
    toml, mapping = drafted(
        tmp_path, "Station,Start,End,kWh\nA,05/06/2026 08:12,05/06/2026 10:02,1\n"
    )
    assert said(mapping)["started_at"]["format"] == ("dd/mm/yyyy HH:MM",)
    assert "CHECK: or mm/dd/yyyy HH:MM? no day is above 12" in toml


def test_date_and_clock_in_two_columns_belong_together(tmp_path: Path) -> None:
    text = rows("Station;Date;Start time;End time;kWh", "CP-{i};{d}/05/2026;08:12;10:02;12.4")
    toml, mapping = drafted(tmp_path, text)
    assert said(mapping)["started_at"] == {
        "columns": ("Date", "Start time"),
        "format": ("dd/mm/yyyy HH:MM",),
    }
    assert said(mapping)["ended_at"] == {
        "clock_after_start": "End time",
        "format": ("HH:MM",),
    }
    assert "the first such clock from the start on" in toml


@pytest.mark.parametrize(
    ("header", "value", "wanted"),
    [
        ("Energy (Wh)", "12{i}00", {"column": "Energy (Wh)", "unit": "Wh"}),
        ("Energy", "12{i}00", {"column": "Energy", "unit": "Wh"}),
        ("Energy", "12.{i}", {"column": "Energy"}),
    ],
)
def test_units_come_from_the_header_or_the_size(
    tmp_path: Path, header: str, value: str, wanted: dict[str, Any]
) -> None:
    text = rows(f"Station;Start;End;{header}", f"A;2026-05-{{d}} 08:12;2026-05-{{d}} 10:02;{value}")
    toml, mapping = drafted(tmp_path, text)
    assert said(mapping)["energy_kwh"] == wanted
    assert ("the header names no unit" in toml) == (header == "Energy")


@pytest.mark.parametrize(
    ("header", "value", "wanted"),
    [
        ("Duration (min)", "9{i}", {"start_plus": "Duration (min)", "unit": "min"}),
        ("Duration", "1:{d}:00", {"start_plus": "Duration", "format": ("h:mm:ss",)}),
    ],
)
def test_a_duration_gives_the_end_that_is_missing(
    tmp_path: Path, header: str, value: str, wanted: dict[str, Any]
) -> None:
    text = rows(f"Station;Start;{header};kWh", f"A;2026-05-{{d}} 08:12;{value};12.4")
    assert said(drafted(tmp_path, text)[1])["ended_at"] == wanted


def test_without_times_the_moment_of_loading_ends_a_session(tmp_path: Path) -> None:
    _, mapping = drafted(tmp_path, rows("Station;Duration (h);kWh", "A;1.{i};12.4"))
    assert said(mapping)["ended_at"] == {"receipt": True}
    assert said(mapping)["started_at"] == {"end_minus": "Duration (h)", "unit": "h"}


def test_markers_of_no_value_are_found(tmp_path: Path) -> None:
    text = rows(
        "Station;Start;End;kWh;User",
        "A;2026-05-{d} 08:12;2026-05-{d} 10:02;12.4;NA",
        *["A;2026-05-{d} 08:12;2026-05-{d} 10:02;12.4;U{i}"] * 13,
        "A;2026-05-{d} 08:12;offline;12.4;U{i}",
    )
    _, mapping = drafted(tmp_path, text)
    assert mapping.missing == ("NA",)
    assert said(mapping)["ended_at"]["missing"] == ("offline",)


@pytest.mark.parametrize(
    ("value", "style"),
    [
        ("1.2{i}3,5{i}", {"thousands": ".", "decimal": ","}),
        ("1,2{i}3.5{i}", {"thousands": ",", "decimal": "."}),
        ("1'2{i}3.5{i}", {"thousands": "'", "decimal": "."}),
        ("1 2{i}3,5{i}", {"thousands": " ", "decimal": ","}),
        ("12{i},5", {"thousands": "", "decimal": ","}),
        ("1.5{i}", {"thousands": "", "decimal": "."}),
    ],
)
def test_signs_between_digits_are_found(tmp_path: Path, value: str, style: dict[str, str]) -> None:
    text = rows(
        "Station;Start;End;Energy (Wh)", f"A;2026-05-04 08:12;2026-05-04 10:02;{value}", n=9
    )
    _, mapping = drafted(tmp_path, text)
    assert {name: getattr(mapping.file, name) for name in style} == style


def test_units_and_currency_signs_beside_numbers_are_found(tmp_path: Path) -> None:
    line = "A {i};2026-05-{d} 08:12;2026-05-{d} 10:02;1{i}00 Wh;€ 1.2{d},40;9{i} min"
    text = rows("Station;Start;End;Energy;Price;Charging time", line)
    toml, mapping = drafted(tmp_path, text)
    found = said(mapping)
    assert found["station_id"] == {"column": "Station"}
    assert found["energy_kwh"] == {"column": "Energy", "unit": "Wh", "beside": ("Wh",)}
    assert found["cost"] == {"column": "Price", "beside": ("€",)}
    assert found["currency"] == {"value": "EUR"}
    assert found["charging_duration_h"]["beside"] == ("min",)
    assert "CHECK: in which currency" not in toml


def test_a_column_with_another_decimal_sign_says_so_itself(tmp_path: Path) -> None:
    line = "A;2026-05-{d} 08:12;2026-05-{d} 10:02;1.{i};4,2{i}"
    _, mapping = drafted(tmp_path, rows("Station;Start;End;kWh;Price", line))
    assert mapping.file.decimal == "."
    assert said(mapping)["cost"] == {"column": "Price", "decimal": ","}


@pytest.mark.parametrize("pad", ["", ";;;"])
def test_a_title_above_and_totals_below_are_found(tmp_path: Path, pad: str) -> None:
    table = rows("Station;Start;End;kWh", "A;2026-05-{d} 08:12;2026-05-{d} 10:02;1{i},5")
    text = f"Charging report{pad}\n\nPrinted on 04.05.2026{pad}\n{table}Total;;;123,4\n"
    toml, mapping = drafted(tmp_path, text)
    assert (mapping.file.skip_lines, mapping.file.skip_lines_starting) == (3, ("Total;",))
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}
    assert "drafted from 40 records" in toml


def test_only_the_first_columns_of_a_very_wide_file_are_looked_at(tmp_path: Path) -> None:
    names = [f"Reading {i}" for i in range(3000)]
    header = ",".join(["Station", "Start", "End", "kWh", *names])
    line = ",".join(["A", "2026-05-{d} 08:12", "2026-05-{d} 10:02", "1.5", *["7"] * 3000])
    toml, mapping = drafted(tmp_path, rows(header, line, n=9))
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}
    assert "# Only the first 300 of its 3004 columns were looked at." in toml


def test_a_registry_is_told_from_sessions(tmp_path: Path) -> None:
    text = rows(
        "Ladepunkt;Standort;Breitengrad;Längengrad;Leistung (W)", "E{i};Markt;51,2;6,8;22000"
    )
    _, mapping = drafted(tmp_path, text)
    assert mapping.records == "station"
    assert said(mapping)["power_kw"] == {"column": "Leistung (W)", "unit": "W"}
    assert drafted(tmp_path, rows("Site,Lat,Lon", "S{i},56.1,-3.1"))[1].records == "site"


def test_paths_and_the_list_of_a_json_document_are_found(tmp_path: Path) -> None:
    records = [
        {"point": {"id": f"CP-{i}"}, "start": 1777882320 + i, "end": 1777888920, "wh": 12400 + i}
        for i in range(30)
    ]
    document = json.dumps({"meta": {"n": 1}, "data": {"sessions": records}})
    _, mapping = drafted(tmp_path, document, name="export.json")
    assert (mapping.file.format, mapping.file.list_at) == (("json",), "data.sessions")
    assert said(mapping) == {
        "station_id": {"column": "point.id"},
        "started_at": {"column": "start", "format": ("epoch_s",)},
        "ended_at": {"column": "end", "format": ("epoch_s",)},
        "energy_kwh": {"column": "wh", "unit": "Wh"},
    }
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert drafted(tmp_path, lines, name="export.jsonl")[1].file.format == ("jsonl",)
    assert drafted(tmp_path, json.dumps(records), name="export.json")[1].file.list_at is None


def test_a_file_that_says_nothing_still_gives_a_mapping(tmp_path: Path) -> None:
    toml, mapping = drafted(tmp_path, "a,b\n1,2\n")
    assert mapping.records == "session"
    assert toml.count("CHECK: no column looks like") == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("1,2,3\n4,5,6\n", "not the names of columns"),
        ("[1, 2]", "no JSON object"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "no JSON object"),
        ("Station\0,kWh\n", "not a text file"),
        ("a,a\n1,2\n", "no column has a name of its own"),
    ],
)
def test_a_file_without_names_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PipelineError, match=reason):
        drafted(tmp_path, text)


def test_what_is_behind_a_row_without_end_is_left_out(tmp_path: Path) -> None:
    text = rows("Station;Start;End;kWh", "A;2026-05-{d} 08:12;2026-05-{d} 10:02;12.4")
    _, mapping = drafted(tmp_path, text + "x" * 2_000_000)
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}


def test_a_header_that_begins_with_a_bracket_is_no_json(tmp_path: Path) -> None:
    text = rows("[Site] Station,Start,End,kWh", "A,2026-05-{d} 08:12,2026-05-{d} 10:02,12.4")
    assert drafted(tmp_path, text)[1].file.format == ("csv",)


@given(
    header=st.lists(st.text(max_size=12), min_size=1, max_size=5),
    cells=st.lists(st.text(max_size=12), min_size=1, max_size=20),
)
def test_whatever_is_in_a_file_its_draft_is_a_mapping_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], cells: list[str]
) -> None:
    text = ",".join(header) + "\n" + "\n".join(cells)
    try:
        drafted(tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass"))
    except PipelineError as error:
        assert "\n" not in str(error)  # noqa: PT017 - one line, or a mapping
