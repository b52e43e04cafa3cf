"""How an account reaches the broker: address, trust and password, from the settings.

What lives here: what every client needs before it connects. What does not: connecting.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings


@dataclass(frozen=True)
class Login:
    """One account's way to the broker.

    Args:
        host: name or address of the broker; its certificate must say the same.
        port: its port.
        username: the account.
        password: its password.
        ca_file: the authority that its certificate must come from; null for the system's.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    ca_file: Path | None = None

    @property
    def address(self) -> str:
        """Where the broker is, as errors name it."""
        return f"{self.host}:{self.port}"

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The login that the settings describe.

        Raises:
            PipelineError: they name no account, or no password.
        """
        if settings.mqtt_username is None:
            raise PipelineError(
                "no account at the broker is named",
                mend="read one from the stack's credentials (set -a; . FILE), "
                "or set EV_MQTT_USERNAME and EV_MQTT_PASSWORD",
            )
        return cls(
            settings.mqtt_host,
            settings.mqtt_port,
            settings.mqtt_username,
            _password(settings),
            settings.mqtt_ca_file,
        )

    def tls(self) -> ssl.SSLContext:
        """TLS 1.2 or newer that believes this authority only.

        Raises:
            PipelineError: its file is not there or holds no certificate.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise PipelineError(
                f"the authority's certificate cannot be used ({error.strerror or error})",
                mend="set EV_MQTT_CA_FILE to the broker's ca.crt",
                where=str(self.ca_file),
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _password(settings: Settings) -> str:
    if settings.mqtt_password is not None:
        return settings.mqtt_password
    if settings.mqtt_password_file is None:
        raise PipelineError(
            f"there is no password for the account {settings.mqtt_username}",
            mend="set EV_MQTT_PASSWORD, or EV_MQTT_PASSWORD_FILE to a file that holds it",
        )
    try:
        return settings.mqtt_password_file.read_text().strip()
    except OSError as error:
        raise PipelineError(
            f"the password cannot be read ({error.strerror})",
            mend="mend EV_MQTT_PASSWORD_FILE",
            where=str(settings.mqtt_password_file),
        ) from error
