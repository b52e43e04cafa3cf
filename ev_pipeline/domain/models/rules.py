"""Rules: what validation flagged that cannot be, and therefore is an anomaly whatever its score.

What lives here: which warnings say so, and the words for each.
What does not: finding the warnings (`validation`), what is merely unexpected (`residuals`).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One warning that makes a session an anomaly.

    Args:
        message: one sentence; braces name columns of the session.
        value: column that is impossible, null where models do not see it.
        expected: column that bounds it, null where it is not among the session's.
    """

    message: str
    value: str | None = None
    expected: str | None = None


RULES: Final[dict[str, Rule]] = {
    "power_over_rating": Rule(
        "more power than the station is registered for (mean {mean_power_kw:.1f} kW)",
        "mean_power_kw",
    ),
    "power_over_400_kw": Rule(
        "more power than a charger delivers (mean {mean_power_kw:.0f} kW)", "mean_power_kw"
    ),
    "over_250_kwh": Rule("{energy_kwh:.0f} kWh, more than a car's battery holds", "energy_kwh"),
    "energy_over_battery": Rule(
        "{energy_kwh:.1f} kWh, more than this vehicle's battery holds", "energy_kwh"
    ),
    "charging_longer_than_session": Rule(
        "charging for {charging_duration_h:.2f} h of {duration_h:.2f} h plugged in",
        "charging_duration_h",
        "duration_h",
    ),
    "soc_decreases": Rule("the battery was emptier at the end than at the start"),
    "overlaps_same_connector": Rule("another vehicle was on the same connector at that time"),
    "clock_suspect": Rule("the charger's clock seems to be wrong"),
}
"""By warning code. Short, long and small sessions are unusual, not impossible: those are left to
the forest."""
