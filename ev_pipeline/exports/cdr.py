"""One stored session as an OCPI 2.2.1 CDR, or why it cannot be one.

What lives here: which field says what. What does not: files (`cdr_file`), reading CDRs
(`ev_pipeline.sources.ocpi`).

References:
    OCPI 2.2.1, module CDRs (https://github.com/ocpi/ocpi).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from ev_pipeline.domain.pseudonyms import in_short
from ev_pipeline.exports.cdr_place import place_of
from ev_pipeline.exports.cdr_values import Unfillable, is_identifier, moment, required
from ev_pipeline.ocpi_settings import AUTH_METHODS
from ev_pipeline.settings import Settings
from ev_pipeline.sources.ocpi import HOURS_DECIMALS, filled_in_remark

_CURRENCY: Final = re.compile("[A-Z]{3}")
_PRICE_DECIMALS: Final = 4
"""Digits of a price that is worked out; OCPI names so many."""

_LONGER: Final = "charging_longer_than_session"

Row = Mapping[str, Any]
"""A session and its station, as `storage.outgoing` reads them."""


def cdr_of(row: Row, settings: Settings) -> dict[str, Any]:
    """The session's CDR; what the session leaves open is filled in, and the remark says so.

    Args:
        row: the session and its station.
        settings: the party, and what no session says.

    Raises:
        Unfillable: a mandatory field has no value.
    """
    filled: set[str] = set()
    times = _times(row, filled)
    cdr = {
        "country_code": settings.ocpi_country_code,
        "party_id": settings.ocpi_party_id,
        "id": _own_id(row),
        "start_date_time": times["start_date_time"],
        "end_date_time": times["end_date_time"],
        "session_id": _session_id(row),
        "cdr_token": _token(row, settings, filled),
        "auth_method": _auth_method(row, settings, filled),
        "cdr_location": place_of(row, settings, filled),
        "currency": _currency(row),
        "charging_periods": [_period(row, times)],
        "total_cost": _cost(row, settings),
        "total_energy": row["energy_kwh"],
        "total_time": times["total_time"],
    }
    if times["parking"] is not None:
        cdr["total_parking_time"] = times["parking"]
    updated_at = row["updated_at"]
    if updated_at is None:
        filled.add("last_updated")
    remark = filled_in_remark(filled)
    if remark is not None:
        cdr["remark"] = remark
    return {**cdr, "last_updated": moment(updated_at or row["received_at"])}


def _own_id(row: Row) -> str:
    """The CDR's id: the session's here, and another one for each correction."""
    session_id = str(row["session_id"])
    revision = row["revision"]
    return session_id if revision == 1 else str(uuid5(UUID(session_id), str(revision)))


def _session_id(row: Row) -> str:
    """The source's own id where it fits, else ours, which `load` knows."""
    own_id = row["source_session_id"]
    return own_id if is_identifier(own_id) else str(row["session_id"])


def _times(row: Row, filled: set[str]) -> dict[str, Any]:
    started: datetime = row["started_at"]
    ended: datetime = row["ended_at"]
    charging = row["charging_duration_h"]
    start, end = moment(started), moment(ended)
    if start == end:
        raise Unfillable("end_date_time", "the session is shorter than a millisecond")
    total = round((ended - started).total_seconds() / 3600, HOURS_DECIMALS)
    parking = None
    if charging is None:
        filled.add("TIME")
    elif _LONGER in row["quality_codes"]:
        raise Unfillable("total_time", "the charging time is longer than the session")
    else:
        # Longer by less than the source's resolution, which is no fault.
        total = max(total, charging)
        parking = round(total - charging, HOURS_DECIMALS)
    return {
        "start_date_time": start,
        "end_date_time": end,
        "total_time": total,
        "charging": total if charging is None else charging,
        "parking": parking,
    }


def _period(row: Row, times: Mapping[str, Any]) -> dict[str, Any]:
    volumes = {
        "ENERGY": row["energy_kwh"],
        "TIME": times["charging"],
        "PARKING_TIME": times["parking"],
        "MAX_POWER": row["max_power_kw"],
    }
    return {
        "start_date_time": times["start_date_time"],
        "dimensions": [
            {"type": kind, "volume": volume}
            for kind, volume in volumes.items()
            if volume is not None
        ],
    }


def _token(row: Row, settings: Settings, filled: set[str]) -> dict[str, Any]:
    user = row["user_id"]
    if user is None:
        filled.add("cdr_token.uid")
        uid = settings.ocpi_token_uid
    elif is_identifier(in_short(user)):
        uid = in_short(user)
    else:
        raise Unfillable("cdr_token.uid", "the user's id is no 36 letters of ASCII")
    return {
        "country_code": settings.ocpi_token_country_code or settings.ocpi_country_code,
        "party_id": settings.ocpi_token_party_id or settings.ocpi_party_id,
        "uid": uid,
        "type": settings.ocpi_token_type,
        "contract_id": settings.ocpi_token_contract_id or uid,
    }


def _auth_method(row: Row, settings: Settings, filled: set[str]) -> str:
    stated = row["payment_method"]
    if stated in AUTH_METHODS:
        return str(stated)
    filled.add("auth_method")
    return settings.ocpi_auth_method


def _currency(row: Row) -> str:
    required(row["cost"], "total_cost", "the session has no cost")
    currency = str(required(row["currency"], "currency", "the cost has no currency"))
    if not _CURRENCY.fullmatch(currency):
        raise Unfillable("currency", "the currency is no code of ISO 4217")
    return currency


def _cost(row: Row, settings: Settings) -> dict[str, float]:
    cost: float = row["cost"]
    if settings.ocpi_vat_percent is None:
        return {"excl_vat": cost}
    without = cost / (1 + settings.ocpi_vat_percent / 100)
    return {"excl_vat": round(without, _PRICE_DECIMALS), "incl_vat": cost}
