"""The registry of the sample's stations.

What lives here: where stations stand and what they can do. What does not: who uses them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from simulator.behaviours import Site
from simulator.seasons import ZONE


@dataclass(frozen=True, slots=True)
class SiteKind:
    """What stations at one kind of site are like.

    Args:
        site: the kind.
        share: share of all stations.
        title: word in the station's name.
        powers_kw: power that one vehicle can get, kW, each as likely as the others.
        connectors: vehicles that can charge at once, each as likely as the others.
        price_cent_per_kwh: tariff, each as likely as the others; 0 is free.
    """

    site: Site
    share: float
    title: str
    powers_kw: tuple[float, ...]
    connectors: tuple[int, ...]
    price_cent_per_kwh: tuple[int, ...]


SITE_KINDS: Final = (
    SiteKind(Site.STREET, 0.45, "Street post", (7.4, 11.0, 22.0), (2,), (27, 29)),
    SiteKind(Site.WORKPLACE, 0.2, "Workplace", (7.4, 11.0, 22.0), (3, 4, 6), (0, 0, 18)),
    SiteKind(Site.HUB, 0.125, "Fast hub", (50.0, 100.0, 150.0), (2, 4), (49, 55)),
    SiteKind(Site.DESTINATION, 0.225, "Destination", (11.0, 22.0), (2, 4), (0, 35, 39)),
)


@dataclass(frozen=True, slots=True)
class Parish:
    """A parish in which stations stand, with its centre in degrees."""

    name: str
    municipality: str
    district: str
    latitude: float
    longitude: float


PARISHES: Final = (
    Parish("Arroios", "Lisboa", "Lisboa", 38.7287, -9.1370),
    Parish("Alvalade", "Lisboa", "Lisboa", 38.7530, -9.1440),
    Parish("Benfica", "Lisboa", "Lisboa", 38.7510, -9.2020),
    Parish("Parque das Nações", "Lisboa", "Lisboa", 38.7680, -9.0970),
    Parish("Campo de Ourique", "Lisboa", "Lisboa", 38.7180, -9.1660),
    Parish("Barcarena", "Oeiras", "Lisboa", 38.7330, -9.2790),
    Parish("Porto Salvo", "Oeiras", "Lisboa", 38.7230, -9.3070),
    Parish("Rio de Mouro", "Sintra", "Lisboa", 38.7670, -9.3280),
    Parish("Alcabideche", "Cascais", "Lisboa", 38.7330, -9.4090),
    Parish("Laranjeiro e Feijó", "Almada", "Setúbal", 38.6570, -9.1560),
)

SCATTER_DEGREES: Final = 0.008
"""Stations lie within about a kilometre of their parish's centre."""


@dataclass(frozen=True, slots=True)
class Stations:
    """All stations: the registry as a frame, and what the generator needs of it as arrays."""

    registry: pl.DataFrame
    site: np.ndarray
    power_kw: np.ndarray
    connectors: np.ndarray
    price_cent_per_kwh: np.ndarray

    def at(self, site: Site) -> np.ndarray:
        """The numbers of the stations at one kind of site."""
        return np.flatnonzero(self.site == site.value)


def make_stations(count: int, rng: np.random.Generator) -> Stations:
    """Stations of every kind, in the shares of `SITE_KINDS`, at least one of each."""
    kinds = _spread(count)
    power_kw = np.array([kind.powers_kw[rng.integers(len(kind.powers_kw))] for kind in kinds])
    connectors = np.array([kind.connectors[rng.integers(len(kind.connectors))] for kind in kinds])
    prices = np.array(
        [kind.price_cent_per_kwh[rng.integers(len(kind.price_cent_per_kwh))] for kind in kinds]
    )
    parishes = [PARISHES[number] for number in rng.integers(len(PARISHES), size=count)]
    scatter = SCATTER_DEGREES * (2 * rng.random((count, 2)) - 1)
    house_numbers = rng.integers(1, 200, size=count)
    registry = pl.DataFrame(
        {
            "station_id": station_ids(count),
            "name": [
                f"{kind.title} {parish.name} {number}"
                for number, (kind, parish) in enumerate(zip(kinds, parishes, strict=True), start=1)
            ],
            "latitude": [
                parish.latitude + shift
                for parish, shift in zip(parishes, scatter[:, 0].tolist(), strict=True)
            ],
            "longitude": [
                parish.longitude + shift
                for parish, shift in zip(parishes, scatter[:, 1].tolist(), strict=True)
            ],
            "power_kw": power_kw,
            "connectors": connectors,
            "time_zone": [ZONE] * count,
            "district": [parish.district for parish in parishes],
            "municipality": [parish.municipality for parish in parishes],
            "parish": [parish.name for parish in parishes],
            "address": [
                f"Rua de Exemplo {house}, {parish.municipality}"
                for house, parish in zip(house_numbers.tolist(), parishes, strict=True)
            ],
        }
    )
    return Stations(
        registry=registry,
        site=np.array([kind.site.value for kind in kinds]),
        power_kw=power_kw,
        connectors=connectors,
        price_cent_per_kwh=prices,
    )


def station_ids(count: int) -> list[str]:
    """The ids of all stations, in order."""
    return [f"CP-{number:04d}" for number in range(1, count + 1)]


def _spread(count: int) -> list[SiteKind]:
    kinds: list[SiteKind] = []
    for kind in SITE_KINDS[1:]:
        kinds += [kind] * max(1, round(count * kind.share))
    return [SITE_KINDS[0]] * max(1, count - len(kinds)) + kinds
