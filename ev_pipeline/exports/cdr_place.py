"""The location, EVSE and connector of a CDR.

What lives here: what the registry says of a station, and what settings say of the others.
What does not: the rest of a CDR (`cdr`).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ev_pipeline.exports.cdr_values import Unfillable, is_identifier, printable, required
from ev_pipeline.settings import Settings

_LONGEST_OUTLET: Final = 30
"""Letters of an EVSE id after its party and the E, as eMI3 bounds it."""

_NO_OUTLET: Final = re.compile("[^A-Z0-9]+")


def place_of(row: Mapping[str, Any], settings: Settings, filled: set[str]) -> dict[str, Any]:
    """The `cdr_location`.

    Args:
        row: a session and its station.
        settings: what the registry does not say.
        filled: takes the fields that nobody knows.

    Raises:
        Unfillable: a mandatory field has no value.
    """
    station = _identifier(row["station_id"], "cdr_location.id", "the station's id")
    connector = row["connector_id"]
    if connector is None:
        filled.add("evse_uid")
    name = printable(row["station_name"], 255)
    place: dict[str, Any] = {"id": station, **({} if name is None else {"name": name})}
    place["address"] = _known("address", row["address"], settings.ocpi_address)
    place["city"] = _known("city", row["municipality"], settings.ocpi_city)
    if settings.ocpi_postal_code is not None:
        place["postal_code"] = settings.ocpi_postal_code
    return {
        **place,
        "country": settings.ocpi_country,
        "coordinates": _coordinates(row, settings),
        "evse_uid": _identifier(
            station if connector is None else connector,
            "cdr_location.evse_uid",
            "the connector's id",
        ),
        "evse_id": _evse_id(station, connector, settings),
        "connector_id": settings.ocpi_connector_id,
        **_plug(row["power_kw"], settings),
    }


def _identifier(value: str, field: str, what: str) -> str:
    if not is_identifier(value):
        raise Unfillable(field, f"{what} is no 36 letters of ASCII")
    return value


def _known(field: str, registered: str | None, default: str | None) -> str:
    value = printable(registered, 45) or default
    why = f"the station has none, and EV_OCPI_{field.upper()} is not set"
    return str(required(value, f"cdr_location.{field}", why))


def _coordinates(row: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """Six decimals, a tenth of a metre, are what fits where there is a sign."""
    latitude, longitude = row["latitude"], row["longitude"]
    if latitude is None or longitude is None:
        latitude, longitude = settings.ocpi_latitude, settings.ocpi_longitude
    why = "the station has none, and EV_OCPI_LATITUDE and EV_OCPI_LONGITUDE are not set"
    for value in (latitude, longitude):
        required(value, "cdr_location.coordinates", why)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 - degrees
        raise Unfillable("cdr_location.coordinates", "the station's are nowhere on earth")
    return {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}"}


def _evse_id(station: str, connector: str | None, settings: Settings) -> str:
    parts = [_NO_OUTLET.sub("*", part.upper()).strip("*") for part in (station, connector or "")]
    outlet = "*".join(part for part in parts if part)[:_LONGEST_OUTLET] or "0"
    return f"{settings.ocpi_country_code}*{settings.ocpi_party_id}*E{outlet}"


def _plug(power_kw: float | None, settings: Settings) -> dict[str, str]:
    """The connector, by the power that the registry states."""
    if power_kw is not None and power_kw >= settings.ocpi_dc_from_kw:
        kind = (settings.ocpi_dc_connector_standard, "CABLE", "DC")
    else:
        kind = (
            settings.ocpi_connector_standard,
            settings.ocpi_connector_format,
            settings.ocpi_connector_power_type,
        )
    return dict(
        zip(("connector_standard", "connector_format", "connector_power_type"), kind, strict=True)
    )
