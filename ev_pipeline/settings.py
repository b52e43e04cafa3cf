"""The environment, typed: every `EV_` variable, its unit, default and reason.

What lives here: names, types and defaults. What does not: opening connections, writing files.
"""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from ev_pipeline.ocpi_settings import OcpiSettings

ENV_PREFIX: Final = "EV_"


ABBREVIATED_ZONES: Final = frozenset({"CET", "EET", "EST", "HST", "MET", "MST", "WET"})
"""IANA names that PostgreSQL reads as abbreviations of a fixed offset, without summer time."""


def _known_time_zone(name: str) -> str:
    if name in ABBREVIATED_ZONES:
        raise ValueError(
            f"{name!r} is read with summer time or without, depending on the program; "
            "write a city's time zone like Europe/Brussels"
        )
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone; write one like Europe/London")
    return name


def _tile_address(address: str) -> str:
    is_web = address.startswith(("https://", "http://"))
    if address and not (is_web and all(f"{{{name}}}" in address for name in "zxy")):
        raise ValueError(
            f"{address!r} is no tile server; write one like https://tiles.example.org/{{z}}/{{x}}/{{y}}.png"
        )
    return address


TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
TileAddress = Annotated[str, AfterValidator(_tile_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Limits(BaseModel):
    """Limits of validation: beyond them a record is quarantined or flagged.

    References:
        EV Charging Use Data Specification, Atlas Public Policy (recommended parameters): the limits
        on duration and energy that flag a session, marked † in `docs/`.
    """

    model_config = ConfigDict(frozen=True)

    earliest_year: int = Field(2010, description="sessions that start before this year are errors")
    max_future_s: float = Field(300, description="how far an end may lie ahead of its receipt, s")
    max_energy_kwh: float = Field(1000, description="more energy in one session is an error, kWh")
    max_mean_power_kw: float = Field(1000, description="a higher mean power is an error, kW")
    short_session_s: float = Field(60, description="shorter sessions are flagged, s")
    long_session_h: float = Field(48, description="longer sessions are flagged, h")
    long_charging_h: float = Field(24, description="a longer charging time is flagged, h")
    low_energy_kwh: float = Field(0.5, description="less energy is flagged, kWh")
    high_energy_kwh: float = Field(250, description="more energy is flagged, kWh")
    high_power_kw: float = Field(400, description="a higher power is flagged, kW")
    rating_tolerance: float = Field(
        1.1, description="power over this multiple of the station's registered power is flagged"
    )
    battery_tolerance: float = Field(
        1.0, description="energy over this multiple of the battery's capacity is flagged"
    )
    clock_delay_h: float = Field(
        1,
        description="a session that a stream brings later than this after its end, and as late as "
        "the one before, is flagged, h",
    )
    closed_registry: bool = Field(
        default=False, description="whether a station that no registry names is an error"
    )


class Settings(Limits, OcpiSettings, BaseSettings):
    """Every choice that the environment can make, from variables named `EV_` and the field."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    home: Path = Field(Path(".ev"), description="where a local stack keeps its state")
    database_url: str | None = Field(
        None, repr=False, description="postgresql+psycopg2://…; by default the local stack's"
    )
    postgres_port: Port = Field(15432, description="port of the local stack's PostgreSQL")
    postgres_host: str = Field(
        "127.0.0.1", min_length=1, description="where services in containers find PostgreSQL"
    )
    postgres_bin: Path | None = Field(
        None, description="directory of PostgreSQL's programs; by default looked for"
    )
    dagster_port: Port = Field(3000, description="port of Dagster's pages")
    dagster_host: str = Field(
        "127.0.0.1", min_length=1, description="where commands find Dagster's pages"
    )
    simulator: bool = Field(
        default=True, description="whether the local stack plays a charging station"
    )
    dashboard: bool = Field(default=True, description="whether the local stack shows the dashboard")
    nodered_port: Port = Field(1880, description="port of the dashboard, under `/ui`")
    nodered_packages: Path | None = Field(
        None, description="directory of Node-RED's packages; by default beside Python's"
    )
    nodered_editable: bool = Field(
        default=False,
        description="whether the flows can be changed in their editor, until the next start",
    )
    map_tiles: TileAddress = Field(
        "",
        description="tile server of the map of stations, `https://host/{z}/{x}/{y}.png`; by "
        "default pages ask no other host, and draw coasts and borders that come with them",
    )
    map_attribution: str = Field(
        "", pattern=r"^[^\r\n#]*$", description="what the tile server wants said of its map"
    )
    metrics_port: Port = Field(9464, description="port of the stream's metrics, for Prometheus")
    metrics_listen: IPvAnyAddress = Field(
        IPv4Address("127.0.0.1"), description="address on which the stream's metrics are"
    )
    mqtt_host: str = Field("127.0.0.1", min_length=1, description="where the broker is")
    mqtt_port: Port = Field(8883, description="port of the broker, TLS only")
    mqtt_username: str | None = Field(None, description="the caller's account at the broker")
    mqtt_password: str | None = Field(None, repr=False, description="its password")
    mqtt_password_file: Path | None = Field(
        None, description="a file that holds the password and nothing else, instead of it"
    )
    mqtt_ca_file: Path | None = Field(
        None,
        description="authority that the broker's certificate must come from; else the system's",
    )
    mqtt_client_id: str | None = Field(
        None,
        repr=False,
        description="name of the account's durable session; secret like a password",
    )
    mqtt_listen: IPvAnyAddress = Field(
        IPv4Address("127.0.0.1"), description="address on which the local stack's broker listens"
    )
    broker_host: str | None = Field(
        None,
        min_length=1,
        description="where services in containers find the broker",
    )
    broker_queue_messages: int = Field(
        200_000, ge=1, description="messages that the broker keeps for the worker; it drops others"
    )
    broker_queue_bytes: int = Field(
        500_000_000, ge=1, description="bytes of them, whichever limit is reached first"
    )
    broker_connections: int = Field(
        10_000,
        ge=10,
        description="clients at the broker; by default fewer where fewer files may be open",
    )
    mosquitto_bin: Path | None = Field(
        None, description="directory of Mosquitto's programs; by default looked for"
    )
    certificate_names: str = Field(
        "", description="more names and addresses of the broker, separated by spaces"
    )
    timezone: TimeZoneName = Field("UTC", description="the reporting zone, an IANA name")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="reporting currency, ISO 4217")
    operator: str = Field("default", min_length=1, description="scope of sessions without another")
    hash_user_ids: bool = Field(
        default=False,
        description="whether users' ids are stored only as keyed hashes; once begun it goes on",
    )
    user_id_key_file: Path | None = Field(
        None, description="the key of these hashes and of who is forgotten; by default one is made"
    )
    keep_raw_days: int = Field(
        0, ge=0, description="how long refused records are kept as they came, d; 0 is for ever"
    )
    keep_quarantine_days: int = Field(
        0, ge=0, description="how long refused records are kept at all, d; 0 is for ever"
    )
    keep_user_ids_days: int = Field(
        0,
        ge=0,
        description="how long after their end sessions name their user and vehicle, d; "
        "0 is for ever",
    )
    bootstrap: str = Field(
        "", description="what the bootstrap job loads: SOURCE:PATH pairs separated by spaces"
    )
    clusters: int | None = Field(
        None, ge=2, le=12, description="number of clusters, in place of the one that training finds"
    )
    seed: int = Field(20180101, description="seed of everything random in training")
    false_alarm_rate: float = Field(
        0.02, gt=0, lt=0.5, description="share of ordinary sessions that may be called anomalies"
    )
    max_quarantined_share: float = Field(
        0.1, ge=0, le=1, description="a greater share of refused records is warned of"
    )
    label_interval_s: float = Field(
        60, ge=1, description="at most one run for new sessions in so many seconds, s"
    )
    drift_window_days: int = Field(
        28, ge=1, description="how far back the sessions go that are held against training, d"
    )
    drift_alert_psi: float = Field(
        0.25, gt=0, description="a greater population stability index is drift"
    )
    drift_lasts_h: float = Field(
        6, ge=0, description="drift that lasts so long asks for a retraining, h"
    )
    retrain_cron: str = Field(
        "30 2 * * *",
        description="when to retrain, in the reporting zone: cron as Dagster takes it, also @daily",
    )
    dagster_database_url: str | None = Field(
        None,
        repr=False,
        description="where Dagster keeps its records; by default the local stack's",
    )

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports: dict[int, str] = {}
        for name in PORTS:
            port, variable = getattr(self, name), ENV_PREFIX + name.upper()
            if port in ports:
                raise ValueError(f"{ports[port]} and {variable} are both {port}")
            ports[port] = variable
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The reporting zone."""
        return ZoneInfo(self.timezone)


PORTS: Final = ("postgres_port", "dagster_port", "mqtt_port", "metrics_port", "nodered_port")
"""What the local stack listens on, in the order in which faults are told."""

LOGIN: Final = (
    "mqtt_host",
    "mqtt_username",
    "mqtt_password",
    "mqtt_password_file",
    "mqtt_ca_file",
    "mqtt_client_id",
)
"""Who starts a stack may have an account of their own in the environment; services have theirs."""

REMEMBERED: Final = (
    *("timezone", "currency", "operator"),
    *("hash_user_ids", "keep_raw_days", "keep_quarantine_days", "keep_user_ids_days"),
    *PORTS,
    *("mqtt_listen", "certificate_names", "simulator", "dashboard"),
    *("map_tiles", "map_attribution"),
    *("broker_queue_messages", "broker_queue_bytes"),
)
"""What a local stack was started with, and every later command on its home goes by."""


def stack_file(home: Path) -> Path:
    """Where a local stack keeps its `REMEMBERED` settings."""
    return home / "stack.env"


def load_settings(account: str | None = None) -> Settings:
    """The settings of this process: the environment, then what the local stack keeps.

    Args:
        account: whose login at the broker is wanted; null where the environment says it, or nobody
            asks the broker.

    Returns:
        Settings that come from the environment, else from what the stack of `EV_HOME` was last
        started with; database addresses come from its credentials, and are null where there are
        none.
    """
    home = Settings().home
    credentials = home / "credentials"
    files = [
        stack_file(home),
        credentials / "database.env",
        credentials / "dagster-database.env",
    ]
    if account:
        files.append(credentials / f"{account}.env")
    return Settings(_env_file=files, home=home.absolute())
