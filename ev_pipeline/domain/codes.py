"""The one list of what can be said of a record: codes, how severe they are, and their sentences.

What lives here: every error, warning and note, in the order in which they are reported.
What does not: when a code applies (`rules`, and for stored neighbours the storage layer).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """What becomes of a record that a code is said of."""

    ERROR = "error"
    """The record is quarantined."""
    WARNING = "warning"
    """The session is stored and flagged; models do not train on it."""
    NOTE = "note"
    """The session is stored, and the code is recorded with it."""


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that can be said of a record; a record has it once or not at all.

    Args:
        name: the code as ledger, tables and messages carry it.
        severity: what becomes of the record.
        sentence: what is said to a person; `{limit}` stands for the limit's value.
        limit: the setting (a field of `Limits`) that decides, if one does.
        is_recommended: whether the rule is one of the specification's recommended parameters.

    References:
        EV Charging Use Data Specification, Atlas Public Policy (recommended parameters).
    """

    name: str
    severity: Severity
    sentence: str
    limit: str | None = None
    is_recommended: bool = False


def _error(
    name: str, sentence: str, limit: str | None = None, *, recommended: bool = False
) -> Code:
    return Code(name, Severity.ERROR, sentence, limit, recommended)


def _warning(
    name: str, sentence: str, limit: str | None = None, *, recommended: bool = False
) -> Code:
    return Code(name, Severity.WARNING, sentence, limit, recommended)


def _note(name: str, sentence: str) -> Code:
    return Code(name, Severity.NOTE, sentence)


CODES: Final[tuple[Code, ...]] = (
    _error("malformed", "the record cannot be read at all"),
    _error("missing_field", "a required field is missing"),
    _error("not_finished", "the session has no end and no energy yet"),
    _error("bad_value", "a value is not what its field holds"),
    _error(
        "unknown_station",
        "no registry names the station, and only registered ones are accepted",
        "closed_registry",
        recommended=True,
    ),
    _error("no_duration", "the session ends at or before its start", recommended=True),
    _error("no_energy", "no energy was delivered", recommended=True),
    _error("in_future", "the session ends more than {limit} s after its receipt", "max_future_s"),
    _error("before_2010", "the session starts before the year {limit}", "earliest_year"),
    _error("energy_over_1000_kwh", "the energy is over {limit} kWh", "max_energy_kwh"),
    _error("impossible_power", "the mean power is over {limit} kW", "max_mean_power_kw"),
    _error("conflicts_with_stored", "the stored session of this id says otherwise"),
    _warning(
        "under_1_minute",
        "the session is shorter than {limit} s",
        "short_session_s",
        recommended=True,
    ),
    _warning(
        "over_48_hours", "the session is longer than {limit} h", "long_session_h", recommended=True
    ),
    _warning(
        "charging_over_24_hours",
        "energy flowed for more than {limit} h",
        "long_charging_h",
        recommended=True,
    ),
    _warning(
        "under_0_5_kwh", "the energy is under {limit} kWh", "low_energy_kwh", recommended=True
    ),
    _warning("over_250_kwh", "the energy is over {limit} kWh", "high_energy_kwh", recommended=True),
    _warning(
        "charging_longer_than_session",
        "energy flowed for longer than the session lasted",
        recommended=True,
    ),
    _warning(
        "power_over_rating",
        "the power is over {limit} times the station's registered power",
        "rating_tolerance",
        recommended=True,
    ),
    _warning("power_over_400_kw", "the power is over {limit} kW", "high_power_kw"),
    _warning("soc_decreases", "the state of charge fell while the vehicle charged"),
    _warning(
        "energy_over_battery",
        "the energy is over {limit} times the battery's capacity",
        "battery_tolerance",
    ),
    _warning("weekday_mismatch", "the source names another weekday than the start's"),
    _warning(
        "clock_suspect",
        "by its receipt the session ended more than {limit} h later than it says, as the one before"
        " it did: check the charger's clock",
        "clock_delay_h",
    ),
    _warning("overlaps_same_connector", "another session was on the connector at the same time"),
    _note("end_derived", "the end is worked out: the vehicle may have stayed longer"),
    _note("time_assigned", "start and end come from the receipt"),
    _note("time_ambiguous", "the local time exists twice, when clocks go back"),
    _note("station_unregistered", "no registry names the station"),
    _note("unknown_keys", "the record has keys that no field takes"),
)
"""Every code, in the order in which the codes of a record are listed."""


def code_names(severity: Severity) -> tuple[str, ...]:
    """The codes of one severity, in the order in which they are listed."""
    return tuple(code.name for code in CODES if code.severity is severity)
