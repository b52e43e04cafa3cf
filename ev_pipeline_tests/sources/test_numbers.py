import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.sources.numbers import NumberStyle, read_numbers
from ev_pipeline.sources.units import units_of

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


def read(text: str, field: str, *, decimal: str = ".", unit: str | None = None) -> float | None:
    values = read_numbers(pl.Series([text]), field, style=NumberStyle(decimal), unit=unit)
    value = values[0]
    assert value is None or isinstance(value, float)
    return value


@given(finite)
def test_a_number_is_read_to_the_last_bit_with_either_decimal_sign(number: float) -> None:
    assert read(repr(number), "energy_kwh") == number
    assert read(repr(number).replace(".", ","), "energy_kwh", decimal=",") == number


@pytest.mark.parametrize(
    ("field", "unit", "back"),
    [
        ("energy_kwh", "Wh", lambda kwh: kwh * 1000),
        ("energy_kwh", "MJ", lambda kwh: kwh * 3.6),
        ("max_power_kw", "MW", lambda kw: kw / 1000),
        ("charging_duration_h", "s", lambda h: h * 3600),
        ("distance_driven_km", "miles", lambda km: km / 1.609344),
        ("temperature_c", "F", lambda c: c * 9 / 5 + 32),
        ("temperature_c", "K", lambda c: c + 273.15),
        ("soc_end_percent", "fraction", lambda percent: percent / 100),
        ("vehicle_age_years", "months", lambda years: years * 12),
    ],
)
def test_a_unit_can_be_turned_back(field: str, unit: str, back: object) -> None:
    assert callable(back)

    @given(finite)
    def turned_back(number: float) -> None:
        converted = read(repr(number), field, unit=unit)
        assert converted is not None
        assert back(converted) == pytest.approx(number, rel=1e-9, abs=1e-9)

    turned_back()


def test_watt_hours_are_rounded_once() -> None:
    assert read("12345.6", "energy_kwh", unit="Wh") == 12345.6 / 1000


@pytest.mark.parametrize("field", ["energy_kwh", "temperature_c", "ended_at", "soc_end_percent"])
def test_a_fields_own_unit_changes_nothing(field: str) -> None:
    own = next(iter(units_of(field)))
    assert read("0.1", field, unit=own) == 0.1


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-Infinity", "1e999", "1,5", "1.234,5", "1 000", "1_000", "0x1F", "\uff11", "-"],
)
def test_what_is_no_finite_number_is_not_read(text: str) -> None:
    assert read(text, "energy_kwh") is None


@pytest.mark.parametrize("text", ["1.5", "1.234,5", "1,234,5"])
def test_another_decimal_sign_and_thousands_are_not_guessed_at(text: str) -> None:
    assert read(text, "energy_kwh", decimal=",") is None


def test_minus_zero_and_exponents_are_numbers() -> None:
    assert read("1e3", "cost") == 1000
    zero = read("-0", "cost")
    assert zero is not None
    assert math.copysign(1, zero) == -1


def styled(text: str, style: NumberStyle) -> float | None:
    values = read_numbers(pl.Series([text]), "cost", style=style, unit=None).to_list()
    return values[0] if values[0] is None else float(values[0])


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("1.234,56", NumberStyle(",", "."), 1234.56),
        ("-1,234,567.5", NumberStyle(".", ","), -1234567.5),
        ("1\u2019234.5", NumberStyle(".", "'"), 1234.5),
        ("1\u202f234,5", NumberStyle(",", " "), 1234.5),
        ("1234,5", NumberStyle(",", "."), 1234.5),
        ("$4.20", NumberStyle(beside=("$",)), 4.2),
        ("-$ 4.20", NumberStyle(beside=("$",)), -4.2),
        ("4,20\u00a0\u20ac", NumberStyle(",", beside=("\u20ac",)), 4.2),
        ("12.3 kWh", NumberStyle(beside=("k", "kWh")), 12.3),
        ("12.3", NumberStyle(beside=("kWh",)), 12.3),
    ],
)
def test_declared_signs_are_read(text: str, style: NumberStyle, value: float) -> None:
    assert styled(text, style) == value


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("1.23,5", NumberStyle(",", ".")),
        ("1.2345", NumberStyle(",", ".")),
        ("1234.567,5", NumberStyle(",", ".")),
        ("1,234.5", NumberStyle(",", ".")),
        (".123", NumberStyle(",", ".")),
        ("1.234.", NumberStyle(",", ".")),
        ("12 Wh", NumberStyle(beside=("kWh",))),
        ("12.3kwh", NumberStyle(beside=("kWh",))),
        ("$4.20$", NumberStyle(beside=("$",))),
        ("$", NumberStyle(beside=("$",))),
        ("$ USD 4", NumberStyle(beside=("$", "USD"))),
    ],
)
def test_other_signs_than_declared_are_refused(text: str, style: NumberStyle) -> None:
    assert styled(text, style) is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_a_grouped_number_is_the_same_number(number: object) -> None:
    grouped = f"{number:,.2f}"
    assert styled(grouped, NumberStyle(".", ",")) == float(str(number))
    continental = grouped.translate(str.maketrans(",.", ".,"))
    assert styled(continental, NumberStyle(",", ".")) == float(str(number))
