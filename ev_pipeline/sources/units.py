"""Named units and what turns a number in one of them into the unit of a field.

What lives here: the table of units, by the unit that a field's name ends in.
What does not: reading numbers from text (`numbers`).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import polars as pl

SECONDS_PER_HOUR: Final = 3600.0
"""s in an hour."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A linear conversion: `value * times / per + plus`.

    Args:
        times: multiplied first.
        per: divided by next: dividing by 1000 rounds once, multiplying by 0.001 rounds twice.
        plus: added last, in the field's unit.
    """

    times: float = 1.0
    per: float = 1.0
    plus: float = 0.0

    def apply(self, values: pl.Series) -> pl.Series:
        """The values in the field's unit."""
        if self == _AS_IS:
            return values
        return values * self.times / self.per + self.plus


_AS_IS: Final = Conversion()

_KM_PER_MILE: Final = 1.609344
"""km in an international mile, exact by definition."""

_ENERGY: Final = {
    "kWh": _AS_IS,
    "Wh": Conversion(per=1e3),
    "MWh": Conversion(times=1e3),
    "J": Conversion(per=3.6e6),
    "kJ": Conversion(per=3.6e3),
    "MJ": Conversion(per=3.6),
}
_POWER: Final = {"kW": _AS_IS, "W": Conversion(per=1e3), "MW": Conversion(times=1e3)}
_DURATION: Final = {
    "h": _AS_IS,
    "min": Conversion(per=60.0),
    "s": Conversion(per=SECONDS_PER_HOUR),
    "ms": Conversion(per=SECONDS_PER_HOUR * 1e3),
}
_DISTANCE: Final = {
    "km": _AS_IS,
    "m": Conversion(per=1e3),
    "miles": Conversion(times=_KM_PER_MILE),
}
_TEMPERATURE: Final = {
    "C": _AS_IS,
    "F": Conversion(times=5.0, per=9.0, plus=-160.0 / 9.0),
    "K": Conversion(plus=-273.15),
}
_SHARE: Final = {"%": _AS_IS, "fraction": Conversion(times=100.0)}
_AGE: Final = {"years": _AS_IS, "months": Conversion(per=12.0)}

_BY_ENDING: Final = {
    "_kwh": _ENERGY,
    "_kw": _POWER,
    "_h": _DURATION,
    "_km": _DISTANCE,
    "_c": _TEMPERATURE,
    "_percent": _SHARE,
    "_years": _AGE,
    "_at": _DURATION,
}
"""Units by the ending of a field's name; a time is only ever moved by a duration."""


def units_of(field: str) -> MappingProxyType[str, Conversion]:
    """The units in which a source may state `field`, by name; empty where it has no unit."""
    for ending, units in _BY_ENDING.items():
        if field.endswith(ending):
            return MappingProxyType(units)
    return MappingProxyType({})
