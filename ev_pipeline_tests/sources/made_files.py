"""Files of sources whose own are not at hand, written as their publishers describe them.

What lives here: headers, sound rows, and the files made of them. What does not: what is expected.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

PATTERNS_ROW: Final = {
    "User ID": "User_1",
    "Vehicle Model": "Compact",
    "Battery Capacity (kWh)": "75,5",
    "Charging Station ID": "Station_391",
    "Charging Start Time": "01/01/24 08:00",
    "Charging End Time": "01/01/24 10:30",
    "Energy Consumed (kWh)": "40,25",
    "Charging Duration (hours)": "2,5",
    "Charging Rate (kW)": "16,1",
    "Charging Cost (EUR)": "13,08",
    "Time of Day": "Morning",
    "Day of Week": "Monday",
    "State of Charge (Start %)": "29,5",
    "State of Charge (End %)": "82,75",
    "Distance Driven (since last charge) (km)": "293,6",
    "Temperature (C)": "-3,5",
    "Vehicle Age (years)": "2",
}
"""A row of ev_charging_patterns without a fault: 1 January 2024 was a Monday."""

EREDES_ROW: Final = {
    "Station ID": "1",
    "Distrito": "Évora",
    "Concelho": "Évora",
    "Freguesia": "Malagueira e Horta das Figueiras",
    "Latitude": "38.5667",
    "Longitude": "-7.9000",
    "Potência Máxima Admissível (kW)": "41.4",
    "Pontos de ligação para instalações de PCVE": "2",
    "CodDistrito": "07",
    "CodDistritoConcelho": "0705",
    "CodDistritoConcelhoFreguesia": "070527",
}
"""A row of eredes_stations without a fault."""

ACN_SESSION: Final = {
    "_id": "5bc90cb9f9af8b0d7fe77cd2",
    "clusterID": "0039",
    "connectionTime": "Wed, 25 Apr 2018 11:08:04 GMT",
    "disconnectTime": "Wed, 25 Apr 2018 13:20:10 GMT",
    "doneChargingTime": "Wed, 25 Apr 2018 12:38:04 GMT",
    "kWhDelivered": 7.932,
    "sessionID": "2_39_78_362_2018-04-25 11:08:04.400812",
    "siteID": "0002",
    "spaceID": "CA-496",
    "stationID": "2-39-78-362",
    "timezone": "America/Los_Angeles",
    "userID": None,
    "userInputs": [{"WhPerMile": 250, "kWhRequested": 25.0, "milesRequested": 100}],
}
"""A session of ACN-Data without a fault."""

PATTERNS_ABSENT: Final = ("User ID", "Charging Start Time", "Charging End Time")
"""What the variant of ev_charging_patterns lacks."""


def patterns_file(*rows: Mapping[str, str]) -> bytes:
    """A file of ev_charging_patterns: byte order mark, semicolons, decimal commas."""
    return semicolons({**PATTERNS_ROW, **row} for row in rows)


def patterns_variant(*rows: Mapping[str, str]) -> bytes:
    """The same without users and times, with decimal points."""
    whole = ({**PATTERNS_ROW, **row} for row in rows)
    return semicolons(
        {name: text.replace(",", ".") for name, text in row.items() if name not in PATTERNS_ABSENT}
        for row in whole
    )


def eredes_file(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A file of eredes_stations."""
    return semicolons({**EREDES_ROW, **row} for row in rows)


def acn_document(*sessions: Mapping[str, Any], is_nested: bool = True) -> bytes:
    """A document of ACN-Data: its answers nest the list, its downloads are one."""
    items = [{**ACN_SESSION, **session} for session in sessions]
    return json.dumps(
        {"_meta": {"total": len(items)}, "_items": items} if is_nested else items
    ).encode()


def semicolons(rows: Iterable[Mapping[str, str]]) -> bytes:
    """The rows with a header and a byte order mark."""
    lines: list[str] = []
    for row in rows:
        lines = lines or [";".join(row)]
        lines.append(";".join(row.values()))
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")
