"""The stack's own certificate authority, and the broker's certificate from it.

Clients are given the authority's certificate once; the broker's can then change as often as it
must. What lives here: when which is made and where it is kept. What does not: X.509
(`signing`), or who serves them.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack import signing
from ev_pipeline.stack.account import Account
from ev_pipeline.stack.layout import PUBLIC_FILE, Layout
from ev_pipeline.stack.private_files import write_private

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
"""Chargers are given its certificate by hand, and stay in the field for about so long."""

LIFETIME: Final = timedelta(days=397)
"""Of the broker's certificate: the longest that common clients accept."""

RENEW_BEFORE: Final = timedelta(days=30)
"""A certificate with less to go is renewed by the next start, and called near its end."""

BACKDATED: Final = timedelta(days=1)
"""Certificates are valid from so long ago: a charger's clock may be slow."""

_RENEW_AUTHORITY: Final = (
    "stop the stack, remove the directory certificates, start it again, and give every client "
    "the new ca.crt"
)


@dataclass(frozen=True)
class Expiry:
    """When a certificate ends.

    Args:
        name: whose it is.
        expires_at: from then on nobody trusts it, UTC.
        is_authority: whether clients hold it.
    """

    name: str
    expires_at: datetime
    is_authority: bool

    @property
    def mend(self) -> str:
        """What to do before it ends."""
        return _RENEW_AUTHORITY if self.is_authority else "run `ev-pipeline certificates renew`"

    def is_near(self, now: datetime) -> bool:
        """Whether it is time to renew it."""
        return self.expires_at - now < RENEW_BEFORE


def broker_names(listen: str, more: str) -> list[str]:
    """Every name and address by which clients may reach the broker.

    Args:
        listen: the address on which it listens.
        more: further ones, separated by spaces.
    """
    ours = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
    if not ipaddress.ip_address(listen).is_unspecified:
        ours.append(listen)
    return list(dict.fromkeys([*ours, *more.split()]))


def ensure_certificates(
    layout: Layout, names: Iterable[str], now: datetime, *, account: Account | None
) -> bool:
    """There is an authority, and a certificate of the broker with these names and time to go.

    Args:
        layout: where they are kept.
        names: names and addresses of the broker.
        now: the time, UTC.
        account: the user that runs the broker and owns its key; null for ours.

    Returns:
        Whether the broker's certificate was made just now.

    Raises:
        PipelineError: one of the files cannot be understood, or a name is none.
    """
    wanted = _subject_names(names)
    if layout.broker_certificate.exists() and layout.broker_key.exists() and _has_authority(layout):
        found = signing.read_certificate(layout.broker_certificate)
        is_ours = signing.is_issued_by(found, signing.read_certificate(layout.authority))
        if is_ours and signing.names_of(found) >= set(wanted) and not _expiry(found).is_near(now):
            return False
    renew(layout, names, now, account=account)
    return True


def renew(
    layout: Layout, names: Iterable[str], now: datetime, *, account: Account | None
) -> Expiry:
    """The broker's certificate is a new one, of the same authority.

    Returns:
        When it ends.
    """
    if not _has_authority(layout):
        _make_authority(layout, now)
    authority = signing.read_signed(layout.authority, layout.authority_key)
    ends_at = min(now + LIFETIME, authority.certificate.not_valid_after_utc)
    server = signing.sign_server(
        authority, "ev-pipeline broker", _subject_names(names), now - BACKDATED, ends_at
    )
    write_private(layout.broker_key, server.key_text, owner=account)
    write_private(layout.broker_certificate, server.certificate_text, owner=account)
    return _expiry(server.certificate)


def ensure_database_certificate(
    layout: Layout, directory: Path, names: Iterable[str], now: datetime
) -> None:
    """There is a certificate for a database in another container, which ends with its authority's.

    Args:
        layout: where the authority is.
        directory: where it goes, as `server.crt` and `server.key`.
        names: the database's.
        now: the time, UTC.
    """
    authority = signing.read_signed(layout.authority, layout.authority_key)
    certificate, key = directory / "server.crt", directory / "server.key"
    if certificate.exists() and key.exists():
        found = signing.read_certificate(certificate)
        is_ours = signing.is_issued_by(found, authority.certificate)
        if is_ours and signing.names_of(found) >= set(_subject_names(names)):
            return
    ends_at = authority.certificate.not_valid_after_utc
    subject = _subject_names(names)
    made = signing.sign_server(authority, "ev-pipeline database", subject, now - BACKDATED, ends_at)
    write_private(key, made.key_text)
    write_private(certificate, made.certificate_text)


def expiries(layout: Layout) -> list[Expiry]:
    """When the stack's certificates end; empty where none was made yet."""
    paths = (layout.broker_certificate, layout.authority)
    return [_expiry(signing.read_certificate(path)) for path in paths if path.exists()]


def _has_authority(layout: Layout) -> bool:
    there_are = [path.exists() for path in (layout.authority, layout.authority_key)]
    if any(there_are) and not all(there_are):
        raise PipelineError(
            "one of ca.crt and ca.key is missing",
            mend="restore it from a copy, or remove the directory for a new authority, whose "
            "ca.crt every client then needs",
            where=str(layout.certificates),
        )
    return all(there_are)


def _expiry(certificate: x509.Certificate) -> Expiry:
    name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    is_authority = certificate.subject == certificate.issuer
    return Expiry(str(name), certificate.not_valid_after_utc, is_authority)


def _make_authority(layout: Layout, now: datetime) -> None:
    name = f"ev-pipeline authority of {socket.gethostname()}"
    authority = signing.make_authority(name, now - BACKDATED, now + AUTHORITY_LIFETIME)
    write_private(layout.authority_key, authority.key_text)
    write_private(layout.authority, authority.certificate_text, mode=PUBLIC_FILE)


def _subject_names(names: Iterable[str]) -> list[x509.GeneralName]:
    found = []
    for name in names:
        try:
            found.append(signing.subject_name(name))
        except ValueError as error:
            raise PipelineError(
                f"{name!r} is no name that a certificate can hold",
                mend="write names in ASCII and addresses, separated by spaces",
                where="EV_CERTIFICATE_NAMES",
            ) from error
    return found
