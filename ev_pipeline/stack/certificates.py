"""The stack's own certificate authority, and the broker's certificate from it.

Clients are given the authority's certificate once; the broker's can then change as often as it
must. What lives here: making, renewing, reading them. What does not: who serves them.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.account import Account
from ev_pipeline.stack.credentials import write_private
from ev_pipeline.stack.layout import PUBLIC_FILE, Layout

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

_NAME_MAX: Final = 64
"""A common name is not longer."""

_KEY_USAGE: Final = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
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
        found = read_certificate(layout.broker_certificate)
        is_ours = _is_issued_by(found, read_certificate(layout.authority))
        if is_ours and _names_of(found) >= set(wanted) and not _expiry(found).is_near(now):
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
    authority = read_certificate(layout.authority)
    authority_key = _read_key(layout.authority_key)
    key = ec.generate_private_key(ec.SECP256R1())
    subject_names = _subject_names(names)
    ends_at = min(now + LIFETIME, authority.not_valid_after_utc)
    certificate = (
        _builder("ev-pipeline broker", key, now - BACKDATED, ends_at)
        .issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName(subject_names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**_KEY_USAGE | {"digital_signature": True}), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    write_private(layout.broker_key, _key_text(key), owner=account)
    write_private(layout.broker_certificate, _certificate_text(certificate), owner=account)
    return _expiry(certificate)


def expiries(layout: Layout) -> list[Expiry]:
    """When the stack's certificates end; empty where none was made yet."""
    paths = (layout.broker_certificate, layout.authority)
    return [_expiry(read_certificate(path)) for path in paths if path.exists()]


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in the file.

    Raises:
        PipelineError: there is none in it.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise _unreadable(path) from error


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


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return True


def _make_authority(layout: Layout, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = _KEY_USAGE | {"key_cert_sign": True, "crl_sign": True}
    name = f"ev-pipeline authority of {socket.gethostname()}"[:_NAME_MAX]
    builder = _builder(name, key, now - BACKDATED, now + AUTHORITY_LIFETIME)
    certificate = (
        builder.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(layout.authority_key, _key_text(key))
    write_private(layout.authority, _certificate_text(certificate), mode=PUBLIC_FILE)


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, starts_at: datetime, ends_at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _subject_names(names: Iterable[str]) -> list[x509.GeneralName]:
    return [_subject_name(name) for name in names]


def _subject_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass  # not an address, so a name
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise PipelineError(
            f"{name!r} is no name that a certificate can hold",
            mend="write names in ASCII and addresses, separated by spaces",
            where="EV_CERTIFICATE_NAMES",
        ) from error


def _names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value)


def _expiry(certificate: x509.Certificate) -> Expiry:
    name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    is_authority = certificate.subject == certificate.issuer
    return Expiry(str(name), certificate.not_valid_after_utc, is_authority)


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise _unreadable(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unreadable(path)
    return key


def _unreadable(path: Path) -> PipelineError:
    return PipelineError(
        "it holds neither the certificate nor the key that was written there",
        mend=f"restore it from a copy, or remove {path.parent} for a new one",
        where=str(path),
    )
