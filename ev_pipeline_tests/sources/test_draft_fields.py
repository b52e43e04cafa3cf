"""What `sources draft` finds out about the fields of a file: which column, in which format."""

from pathlib import Path
from typing import Any

import pytest

from ev_pipeline_tests.sources.drafting import drafted, rows, said

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
        ("Duration (min)", "9{i}", {"unit": "min", "is_plugged_in": True}),
        ("Duration", "1:{d}:00", {"format": ("h:mm:ss",), "is_plugged_in": True}),
        ("Dauer", "1h {d}m", {"format": ("h'h' mm'm'",), "is_plugged_in": True}),
        ("Charging Minutes", "9{i}", {"unit": "min"}),
        ("Charging time", "1h {d}m 5s", {"format": ("h'h' mm'm' ss's'",)}),
    ],
)
def test_a_duration_gives_the_end_that_is_missing(
    tmp_path: Path, header: str, value: str, wanted: dict[str, Any]
) -> None:
    text = rows(f"Station;Start;{header};kWh", f"A;2026-05-{{d}} 08:12;{value};12.4")
    _, mapping = drafted(tmp_path, text)
    assert said(mapping)["ended_at"] == {"start_plus": header, **wanted}
    assert ("charging_duration_h" in said(mapping)) == ("Charging" in header)


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
    assert said(mapping)["user_id"]["missing"] == ("NA",)
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
