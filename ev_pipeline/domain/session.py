"""The canonical session: its fields, units and types, wherever it stands.

What lives here: the one list of fields that wire, files, frames and tables share.
What does not: how a format encodes them (`sources`), what is wrong with one (`validation`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of the canonical session.

    Args:
        name: the name in wire, frame and table; its ending states the unit.
        kind: what its values are.
        description: what it means, for people.
        is_required: whether a session without it is quarantined.
    """

    name: str
    kind: Kind
    description: str
    is_required: bool = False


SESSION_FIELDS: Final[tuple[FieldSpec, ...]] = (
    FieldSpec("source_session_id", Kind.TEXT, "the source's own id of the session"),
    FieldSpec("station_id", Kind.TEXT, "charging station", is_required=True),
    FieldSpec("connector_id", Kind.TEXT, "what serves one vehicle at a time"),
    FieldSpec("user_id", Kind.TEXT, "who charged, as the source names them"),
    FieldSpec("started_at", Kind.TIME, "plug-in", is_required=True),
    FieldSpec("ended_at", Kind.TIME, "plug-out", is_required=True),
    FieldSpec("charging_duration_h", Kind.NUMBER, "time in which energy flowed, h"),
    FieldSpec("energy_kwh", Kind.NUMBER, "energy delivered to the vehicle, kWh", is_required=True),
    FieldSpec("max_power_kw", Kind.NUMBER, "highest power, kW"),
    FieldSpec("cost", Kind.NUMBER, "price of the session in `currency`; null unknown, 0 free"),
    FieldSpec("currency", Kind.TEXT, "currency of `cost`, ISO 4217"),
    FieldSpec("updated_at", Kind.TIME, "when the source last changed the session"),
    FieldSpec("stop_reason", Kind.TEXT, "why the session ended"),
    FieldSpec("error_code", Kind.TEXT, "the charger's error"),
    FieldSpec("payment_method", Kind.TEXT, "how the session was paid or authorised"),
    FieldSpec("vehicle_model", Kind.TEXT, "vehicle model"),
    FieldSpec("battery_capacity_kwh", Kind.NUMBER, "capacity of the vehicle's battery, kWh"),
    FieldSpec("vehicle_age_years", Kind.NUMBER, "age of the vehicle, years"),
    FieldSpec("distance_driven_km", Kind.NUMBER, "distance since the last charge, km"),
    FieldSpec("soc_start_percent", Kind.NUMBER, "state of charge at plug-in, %"),
    FieldSpec("soc_end_percent", Kind.NUMBER, "state of charge at plug-out, %"),
    FieldSpec("temperature_c", Kind.NUMBER, "ambient temperature, °C"),
)
"""Every field of the wire; `source_session_id` is called `session_id` there."""

STATION_FIELDS: Final[tuple[FieldSpec, ...]] = (
    FieldSpec("station_id", Kind.TEXT, "charging station", is_required=True),
    FieldSpec("name", Kind.TEXT, "name of the station or of its site"),
    FieldSpec("latitude", Kind.NUMBER, "latitude, degrees north, WGS 84"),
    FieldSpec("longitude", Kind.NUMBER, "longitude, degrees east, WGS 84"),
    FieldSpec("power_kw", Kind.NUMBER, "registered power of the station, kW"),
    FieldSpec("connectors", Kind.NUMBER, "vehicles that can charge at once"),
    FieldSpec("time_zone", Kind.TEXT, "IANA time zone of the station"),
    FieldSpec("district", Kind.TEXT, "district"),
    FieldSpec("municipality", Kind.TEXT, "municipality"),
    FieldSpec("parish", Kind.TEXT, "parish"),
    FieldSpec("address", Kind.TEXT, "postal address"),
)
"""Every field of a station registry."""

_DTYPES: Final[dict[Kind, pl.DataType]] = {
    Kind.TEXT: pl.String(),
    Kind.NUMBER: pl.Float64(),
    Kind.TIME: pl.Datetime("us", "UTC"),
}


def frame_schema(fields: tuple[FieldSpec, ...]) -> dict[str, pl.DataType]:
    """The polars schema of a frame that holds `fields`."""
    return {field.name: _DTYPES[field.kind] for field in fields}
