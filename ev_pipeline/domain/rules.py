"""The rules of validation as expressions over canonical frames: when each code applies.

What lives here: the conditions on one record's own values and its station's registered power.
What does not: running them (`validation`); rules that look at stored sessions (storage) or at the
door (the stream). A null condition is a rule that could not be evaluated, and says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import available_timezones

import polars as pl

from ev_pipeline.domain.session import SESSION_FIELDS, FieldSpec, Kind
from ev_pipeline.settings import ABBREVIATED_ZONES, Limits

SECONDS_PER_HOUR: Final = 3600
_MICROSECONDS_PER_SECOND: Final = 1_000_000
_SECONDS_DECIMALS: Final = 6
"""Hours times 3600 are rounded to the microsecond: 1.1 h is 3960 s, not a little more."""
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_POLES_DEGREES: Final = 90
_MAX_CONNECTORS: Final = 10_000
"""More vehicles at one station than any car park holds; the table's column is an integer."""

_ANTIMERIDIAN_DEGREES: Final = 180

MAX_VALUE_CHARS: Final = 200
"""Characters of a refused value that its reason quotes: enough to recognise it."""

KEYED_FIELDS: Final = frozenset({"station_id", "connector_id", "user_id"})
"""Texts of a session that stand in keys and indexes of tables."""

MAX_KEY_BYTES: Final = 500
"""UTF-8 bytes of a text in a key: PostgreSQL's index entries hold about 2,700 bytes in all."""

MAX_TEXT_CHARS: Final = 10_000
"""Characters of any other text: no charger's id or reason is so long, and panels show some."""

ISO_4217: Final = r"\A[A-Z]{3}\z"


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition under which a code applies.

    Args:
        code: the code that applies.
        applies: boolean expression; null where an input is missing or failed an earlier rule.
        field: the field that the code is about, if it is about one.
        value: text expression of what stood there, if anything did.
        needs: a column without which the condition is null, if it needs an optional one.
    """

    code: str
    applies: pl.Expr
    field: str | None = None
    value: pl.Expr | None = None
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What rules need to know besides the record.

    Args:
        limits: the limits in force.
        received_at: when each record was received.
        resolution_s: resolution of the source's times, s.
    """

    limits: Limits
    received_at: pl.Expr
    resolution_s: float

    @property
    def earliest_at(self) -> datetime:
        """Sessions start at this time or later."""
        return datetime(self.limits.earliest_year, 1, 1, tzinfo=UTC)

    @property
    def latest_at(self) -> pl.Expr:
        """Sessions end at this time or earlier."""
        return self.received_at + pl.lit(timedelta(seconds=self.limits.max_future_s))


def unreadable_mark(field: str) -> str:
    """Name of the column that says whether `field` holds what is not a value of its kind."""
    return f"{field}_is_unreadable"


def shortened(texts: pl.Expr) -> pl.Expr:
    """Texts cut to what a reason quotes."""
    cut = texts.str.slice(0, MAX_VALUE_CHARS) + "…"
    return pl.when(texts.str.len_chars() > MAX_VALUE_CHARS).then(cut).otherwise(texts)


def unreadable_values(fields: tuple[FieldSpec, ...]) -> Iterator[Rule]:
    """Numbers and texts that are no values of their field.

    A negative charging duration is none, nor is a text too long for its key or for any use, nor a
    currency that is not written as ISO 4217 has it.

    Args:
        fields: the fields of the frame.

    Yields:
        One rule a number or text.
    """
    for field in fields:
        text = pl.col(field.name)
        if field.name == "currency":
            is_bad = ~text.str.contains(ISO_4217)
            yield Rule("bad_value", is_bad, field.name, shortened(text))
        elif _is_key(field):
            is_bad = text.str.len_bytes() > MAX_KEY_BYTES
            yield Rule("bad_value", is_bad, field.name, shortened(text))
        elif field.kind is Kind.TEXT:
            is_bad = text.str.len_chars() > MAX_TEXT_CHARS
            yield Rule("bad_value", is_bad, field.name, shortened(text))
        elif field.kind is Kind.NUMBER:
            number = pl.col(field.name)
            is_bad = ~number.is_finite()
            if field.name == "charging_duration_h":
                is_bad |= number < 0
            yield Rule("bad_value", is_bad, field.name, _number_text(number))


def _is_key(field: FieldSpec) -> bool:
    """Whether tables find rows by the field; of a registry, by the text that it must have."""
    return field.name in KEYED_FIELDS or (field.is_required and field.kind is Kind.TEXT)


def missing_fields(fields: tuple[FieldSpec, ...]) -> Iterator[Rule]:
    """Required fields in which the record says nothing; a text of blanks says nothing.

    Args:
        fields: the fields of the frame.

    Yields:
        One rule a required field.
    """
    for field in fields:
        if field.is_required:
            column = pl.col(field.name)
            is_missing = column.is_null()
            if field.kind is Kind.TEXT:
                is_missing |= column.str.strip_chars() == ""
            yield Rule(
                "missing_field", is_missing & ~pl.col(unreadable_mark(field.name)), field.name
            )


def session_quantities(around: Circumstances) -> list[pl.Expr]:
    """What several rules compare, null where an input is missing or failed an earlier rule.

    Args:
        around: limits, receipt and resolution.

    Returns:
        Expressions named `sound_energy_kwh`, `session_s`, `charging_s` and `mean_power_kw`. The
        mean power is the lowest that the record allows: over the charging duration where that is
        known and positive, else over the session's, as long as the resolution lets either be.
    """
    started, ended, energy = pl.col("started_at"), pl.col("ended_at"), pl.col("energy_kwh")
    is_sound_energy = (energy > 0) & (energy <= around.limits.max_energy_kwh)
    is_sound_session = (
        (ended > started) & (started >= around.earliest_at) & (ended <= around.latest_at)
    )
    sound_energy = pl.when(is_sound_energy).then(energy)
    elapsed_s = (ended - started).dt.total_microseconds() / _MICROSECONDS_PER_SECOND
    session_s = pl.when(is_sound_session).then(elapsed_s)
    charging_s = (pl.col("charging_duration_h") * SECONDS_PER_HOUR).round(_SECONDS_DECIMALS)
    flowing_s = pl.when(charging_s > 0).then(charging_s).otherwise(session_s)
    longest_h = (flowing_s + around.resolution_s) / SECONDS_PER_HOUR
    return [
        sound_energy.alias("sound_energy_kwh"),
        session_s.alias("session_s"),
        charging_s.alias("charging_s"),
        (sound_energy / longest_h).alias("mean_power_kw"),
    ]


def session_errors(around: Circumstances) -> Iterator[Rule]:
    """Errors that follow from one readable record.

    Args:
        around: limits, receipt and resolution.

    Yields:
        Rules over a canonical frame with `session_quantities` and `is_registered`.
    """
    limits = around.limits
    station, energy = pl.col("station_id"), pl.col("energy_kwh")
    started, ended, power = pl.col("started_at"), pl.col("ended_at"), pl.col("mean_power_kw")
    missing = {rule.field: rule.applies for rule in missing_fields(SESSION_FIELDS)}
    is_unfinished = missing["ended_at"] & missing["energy_kwh"]
    for field, applies in missing.items():
        is_told = field in {"ended_at", "energy_kwh"}
        yield Rule("missing_field", applies & ~is_unfinished if is_told else applies, field)
    yield Rule("not_finished", is_unfinished)
    if limits.closed_registry:
        is_unknown = (station.str.strip_chars() != "") & ~pl.col("is_registered")
        yield Rule("unknown_station", is_unknown, "station_id", station)
    yield Rule("no_duration", ended <= started, "ended_at", _time_text(ended))
    yield Rule("no_energy", energy <= 0, "energy_kwh", _number_text(energy))
    yield Rule("in_future", ended > around.latest_at, "ended_at", _time_text(ended))
    yield Rule("before_2010", started < around.earliest_at, "started_at", _time_text(started))
    is_too_much = energy > limits.max_energy_kwh
    yield Rule("energy_over_1000_kwh", is_too_much, "energy_kwh", _number_text(energy))
    is_impossible = power > limits.max_mean_power_kw
    yield Rule("impossible_power", is_impossible, None, pl.format("{} kW", power.round(1)))


def session_warnings(around: Circumstances, *, has_local_start: bool) -> Iterator[Rule]:
    """Warnings that follow from one record without errors.

    Args:
        around: limits, receipt and resolution.
        has_local_start: whether the frame tells the start on the station's own clock.

    Yields:
        Rules over a canonical frame with `session_quantities`, `rated_kw` and `is_accepted`.
    """
    for rule in _warnings(around, has_local_start=has_local_start):
        yield Rule(rule.code, pl.col("is_accepted") & rule.applies, needs=rule.needs)


def session_notes() -> Iterator[Rule]:
    """Notes that the decoder cannot give.

    Yields:
        Rules over a canonical frame with `is_registered` and `is_accepted`.
    """
    yield Rule("station_unregistered", pl.col("is_accepted") & ~pl.col("is_registered"))


def _warnings(around: Circumstances, *, has_local_start: bool) -> Iterator[Rule]:
    limits = around.limits
    session_s, charging_s = pl.col("session_s"), pl.col("charging_s")
    energy = pl.col("energy_kwh")
    power = pl.max_horizontal("mean_power_kw", "max_power_kw")
    yield Rule("under_1_minute", session_s < limits.short_session_s)
    yield Rule("over_48_hours", session_s > limits.long_session_h * SECONDS_PER_HOUR)
    is_long = charging_s > limits.long_charging_h * SECONDS_PER_HOUR
    yield Rule("charging_over_24_hours", is_long, needs="charging_duration_h")
    yield Rule("under_0_5_kwh", energy < limits.low_energy_kwh)
    yield Rule("over_250_kwh", energy > limits.high_energy_kwh)
    is_longer = charging_s > session_s + around.resolution_s
    yield Rule("charging_longer_than_session", is_longer, needs="charging_duration_h")
    is_over_rating = power > limits.rating_tolerance * pl.col("rated_kw")
    yield Rule("power_over_rating", is_over_rating, needs="rated_kw")
    yield Rule("power_over_400_kw", power > limits.high_power_kw)
    soc_decreases = pl.col("soc_end_percent") < pl.col("soc_start_percent")
    yield Rule("soc_decreases", soc_decreases, needs="soc_start_percent")
    is_over_battery = energy > limits.battery_tolerance * pl.col("battery_capacity_kwh")
    yield Rule("energy_over_battery", is_over_battery, needs="battery_capacity_kwh")
    if has_local_start:
        is_other_day = pl.col("weekday") != pl.col("started_local_at").dt.weekday()
        yield Rule("weekday_mismatch", is_other_day, needs="weekday")


def station_errors() -> Iterator[Rule]:
    """Values of a station registry that are none.

    Yields:
        Rules over a frame of stations or sites.
    """
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    power, connectors, zone = pl.col("power_kw"), pl.col("connectors"), pl.col("time_zone")
    is_whole = connectors.is_between(1, _MAX_CONNECTORS) & (connectors == connectors.floor())
    is_known_zone = zone.is_in(sorted(available_timezones() - ABBREVIATED_ZONES))
    yield Rule("bad_value", latitude.abs() > _POLES_DEGREES, "latitude", _number_text(latitude))
    yield Rule(
        "bad_value", longitude.abs() > _ANTIMERIDIAN_DEGREES, "longitude", _number_text(longitude)
    )
    yield Rule("bad_value", power < 0, "power_kw", _number_text(power))
    yield Rule("bad_value", ~is_whole, "connectors", _number_text(connectors))
    yield Rule("bad_value", ~is_known_zone, "time_zone", zone)


def _number_text(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String)


def _time_text(time: pl.Expr) -> pl.Expr:
    return time.dt.to_string(_TIME_FORMAT)
