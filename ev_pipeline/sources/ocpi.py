"""What an OCPI 2.2.1 CDR says only between its lines, as keys that a mapping can name.

What lives here: sums, differences and choices among a CDR's fields, telling credit CDRs, and the
remark in which our own CDRs say what nobody knows.
What does not: fields that a path leads to (`mappings/ocpi_cdr.toml`), writing CDRs (`exports`).
"""

import re
from collections.abc import Callable, Collection
from typing import Any, Final, TypeGuard

from ev_pipeline.domain.pseudonyms import in_full

_MAX_PERIODS: Final = 100_000
"""Charging periods of one CDR that are looked at; one a second would fill more than a day."""

_BEYOND_ANY: Final = 1e15
"""No hour or kilowatt is stated in such numbers; what is larger is no number here."""

HOURS_DECIMALS: Final = 9
"""Digits kept of a sum of hours: microseconds, without the noise of binary fractions."""

_SAME_HOURS: Final = 1e-6
"""h; what is stated twice and differs by less differs by rounding."""

FILLABLE: Final = ("auth_method", "cdr_token.uid", "evse_uid", "last_updated", "TIME")
"""What a CDR must state although nobody may know it, in the order of a remark."""

_FILLED_IN: Final = re.compile(r"Not known, and filled in: ([A-Za-z_., ]+)\.")


def filled_in_remark(fields: Collection[str]) -> str | None:
    """The remark of a CDR of which some `FILLABLE` fields are not known; null for none."""
    named = [field for field in FILLABLE if field in fields]
    return f"Not known, and filled in: {', '.join(named)}." if named else None


def with_derived(cdr: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The CDR with what follows from it under the key `derived`, and what is wrong if anything is.

    `derived` holds `session_id` (the session's id, else the CDR's), `cost` (with taxes where they
    are stated, else without), `charging_time` (h) and `max_power` (kW).

    Args:
        cdr: a CDR object.

    Returns:
        A credit CDR is refused: it takes back what another one billed, and no energy flowed.

    References:
        OCPI 2.2.1, module CDRs (https://github.com/ocpi/ocpi).
    """
    if cdr.get("credit") not in (None, False):
        return cdr, "a credit CDR, which takes back what another one billed and is no session"
    filled_in = _filled_in(cdr.get("remark"))
    session_id = cdr.get("session_id")
    derived = {
        "session_id": cdr.get("id") if session_id in (None, "") else session_id,
        "cost": _cost(cdr.get("total_cost")),
        "charging_time": None if "TIME" in filled_in else _charging_time(cdr),
        "max_power": _combined(cdr, "MAX_POWER", max),
    }
    known = _with_full_user(_without(cdr, filled_in))
    return {**known, "derived": derived}, ""


def _filled_in(remark: Any) -> frozenset[str]:
    """The fields that a remark of ours says are not known."""
    match = _FILLED_IN.fullmatch(remark) if isinstance(remark, str) else None
    return frozenset(match.group(1).split(", ")) if match else frozenset()


def _without(cdr: dict[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """The CDR without what nobody knows."""
    unknown: dict[str, Any] = {
        name: None for name in ("auth_method", "last_updated") if name in fields
    }
    for field, parent, child in (
        ("cdr_token.uid", "cdr_token", "uid"),
        ("evse_uid", "cdr_location", "evse_uid"),
    ):
        if field in fields and isinstance(cdr.get(parent), dict):
            unknown[parent] = {**cdr[parent], child: None}
    return {**cdr, **unknown}


def _with_full_user(cdr: dict[str, Any]) -> dict[str, Any]:
    """The CDR with a user's hash as it is stored, where one of ours has it in short."""
    token = cdr.get("cdr_token")
    if not isinstance(token, dict) or not isinstance(token.get("uid"), str):
        return cdr
    return {**cdr, "cdr_token": {**token, "uid": in_full(token["uid"])}}


def _cost(price: Any) -> Any:
    """What the driver pays; what is no price is given back, to be refused as a value."""
    if not isinstance(price, dict):
        return price
    with_taxes = price.get("incl_vat")
    return price.get("excl_vat") if with_taxes is None else with_taxes


def _charging_time(cdr: dict[str, Any]) -> Any:
    """The time in which energy flowed, h: the total less the parking, else the charging periods'.

    Where both are stated and agree, the periods' has all digits. Where neither is stated it is
    unknown: the whole session does not stand in for it.
    """
    total, parking = cdr.get("total_time"), cdr.get("total_parking_time")
    in_periods = _combined(cdr, "TIME", _total_h)
    if parking is None:
        return in_periods
    if not (_is_number(total) and _is_number(parking)):
        return parking if _is_number(total) else total
    charging = _total_h([total, -parking])
    is_same = _is_number(in_periods) and abs(in_periods - charging) < _SAME_HOURS
    return in_periods if is_same else charging


def _total_h(hours: list[float]) -> float:
    return hours[0] if len(hours) == 1 else round(sum(hours), HOURS_DECIMALS)


def _combined(cdr: dict[str, Any], kind: str, combine: Callable[[list[float]], float]) -> Any:
    """The volumes of a dimension over all charging periods, combined; null if there are none.

    The first volume that is no number is given back, to be refused as a value.
    """
    volumes: list[float] = []
    for period in _list(cdr.get("charging_periods"))[:_MAX_PERIODS]:
        for dimension in _list(period.get("dimensions") if isinstance(period, dict) else None):
            if isinstance(dimension, dict) and dimension.get("type") == kind:
                volume = dimension.get("volume")
                if not _is_number(volume):
                    return volume
                volumes.append(float(volume))
    return combine(volumes) if volumes else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> TypeGuard[float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -_BEYOND_ANY < value < _BEYOND_ANY
