"""What OCPI asks of a charge detail record that no session and no registry says: settings.

What lives here: names, types and defaults, as OCPI 2.2.1 bounds them. What does not: other settings
(`settings`), and making records (`exports`).
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

AUTH_METHODS: Final = ("AUTH_REQUEST", "COMMAND", "WHITELIST")
"""How a session can have been authorised."""

AuthMethod = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]
TokenType = Literal["AD_HOC_USER", "APP_USER", "OTHER", "RFID"]
ConnectorFormat = Literal["SOCKET", "CABLE"]
PowerType = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]
ConnectorStandard = Literal[
    "CHADEMO",
    "CHAOJI",
    "DOMESTIC_A",
    "DOMESTIC_B",
    "DOMESTIC_C",
    "DOMESTIC_D",
    "DOMESTIC_E",
    "DOMESTIC_F",
    "DOMESTIC_G",
    "DOMESTIC_H",
    "DOMESTIC_I",
    "DOMESTIC_J",
    "DOMESTIC_K",
    "DOMESTIC_L",
    "DOMESTIC_M",
    "DOMESTIC_N",
    "DOMESTIC_O",
    "GBT_AC",
    "GBT_DC",
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "IEC_62196_T1",
    "IEC_62196_T1_COMBO",
    "IEC_62196_T2",
    "IEC_62196_T2_COMBO",
    "IEC_62196_T3A",
    "IEC_62196_T3C",
    "NEMA_5_20",
    "NEMA_6_30",
    "NEMA_6_50",
    "NEMA_10_30",
    "NEMA_10_50",
    "NEMA_14_30",
    "NEMA_14_50",
    "PANTOGRAPH_BOTTOM_UP",
    "PANTOGRAPH_TOP_DOWN",
    "TESLA_R",
    "TESLA_S",
]

CountryCode = Annotated[str, Field(pattern="^[A-Z]{2}$")]
PartyId = Annotated[str, Field(pattern="^[A-Z0-9]{3}$")]
Identifier = Annotated[str, Field(pattern="^[ -~]{1,36}$")]
"""CiString(36): printable ASCII."""


class OcpiSettings(BaseModel):
    """What stands in exported CDRs for want of anything better.

    References:
        OCPI 2.2.1, modules CDRs, Locations and Tokens (https://github.com/ocpi/ocpi).
    """

    model_config = ConfigDict(frozen=True)

    ocpi_country_code: CountryCode | None = Field(
        None, description="country of the party whose CDRs are exported, ISO 3166-1 alpha-2"
    )
    ocpi_party_id: PartyId | None = Field(
        None, description="that party's id in OCPI, three letters or digits"
    )
    ocpi_vat_percent: float | None = Field(
        None,
        ge=0,
        lt=100,
        description="value-added tax within a session's cost, %; if unset, CDRs state the cost as "
        "one without tax",
    )
    ocpi_country: str | None = Field(
        None, pattern="^[A-Z]{3}$", description="country of the stations, ISO 3166-1 alpha-3"
    )
    ocpi_address: str | None = Field(
        None, min_length=1, max_length=45, description="address of stations without one"
    )
    ocpi_city: str | None = Field(
        None, min_length=1, max_length=45, description="city of stations without a municipality"
    )
    ocpi_postal_code: str | None = Field(
        None, min_length=1, max_length=10, description="postal code of all stations"
    )
    ocpi_latitude: float | None = Field(
        None, ge=-90, le=90, description="degrees north of stations without coordinates, WGS 84"
    )
    ocpi_longitude: float | None = Field(
        None, ge=-180, le=180, description="degrees east of them, WGS 84"
    )
    ocpi_connector_id: Identifier = Field("1", description="id of a connector within its EVSE")
    ocpi_connector_standard: ConnectorStandard = Field(
        "IEC_62196_T2", description="plug of stations below `EV_OCPI_DC_FROM_KW`"
    )
    ocpi_connector_format: ConnectorFormat = Field(
        "SOCKET", description="whether those have a `SOCKET` or a `CABLE`"
    )
    ocpi_connector_power_type: PowerType = Field("AC_3_PHASE", description="their power")
    ocpi_dc_from_kw: float = Field(
        44, gt=0, description="stations of so much registered power charge with direct current, kW"
    )
    ocpi_dc_connector_standard: ConnectorStandard = Field(
        "IEC_62196_T2_COMBO", description="plug of those stations, on a cable"
    )
    ocpi_auth_method: AuthMethod = Field(
        "WHITELIST", description="how sessions were authorised that do not say so"
    )
    ocpi_token_type: TokenType = Field("OTHER", description="what drivers' tokens are")
    ocpi_token_uid: Identifier = Field("#NA", description="token where no user is known")
    ocpi_token_contract_id: Identifier | None = Field(
        None, description="contract of all tokens; by default the token's own id"
    )
    ocpi_token_country_code: CountryCode | None = Field(
        None, description="country of the party that issued the tokens; by default our own"
    )
    ocpi_token_party_id: PartyId | None = Field(
        None, description="that party's id; by default our own"
    )
