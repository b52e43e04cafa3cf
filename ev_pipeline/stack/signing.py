"""X.509: an authority that signs itself, and certificates that it signs.

What lives here: keys, extensions, PEM files. What does not: which certificates a stack has.

References:
    RFC 5280: 4.2.1 (extensions of an authority and of a server).
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ev_pipeline.domain.errors import PipelineError

NAME_MAX: Final = 64
"""A common name is not longer."""

_NO_USAGE: Final = dict.fromkeys(
    (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    ),
    False,
)


@dataclass(frozen=True)
class Signed:
    """A certificate and the key to it.

    Args:
        certificate: what is shown.
        key: what proves that it is ours.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_text(self) -> str:
        """The certificate, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_text(self) -> str:
        """The key, PEM, not encrypted: a service starts without a person."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def make_authority(name: str, starts_at: datetime, ends_at: datetime) -> Signed:
    """A new authority, which may sign servers' certificates and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = _NO_USAGE | {"key_cert_sign": True, "crl_sign": True}
    certificate = (
        _builder(name, key, starts_at, ends_at)
        .issuer_name(_common_name(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Signed(certificate, key)


def sign_server(
    authority: Signed,
    name: str,
    names: Iterable[x509.GeneralName],
    starts_at: datetime,
    ends_at: datetime,
) -> Signed:
    """A new certificate of a server that is reached by these names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = _NO_USAGE | {"digital_signature": True}
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(name, key, starts_at, ends_at)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Signed(certificate, key)


def subject_name(name: str) -> x509.GeneralName:
    """The name or address as certificates have it.

    Raises:
        ValueError: it is neither.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """The names and addresses of a server's certificate."""
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value)


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's key signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return True


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in the file.

    Raises:
        PipelineError: there is none in it.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise _unreadable(path) from error


def read_signed(certificate: Path, key: Path) -> Signed:
    """The certificate and the key in the two files.

    Raises:
        PipelineError: one of them is not in its file.
    """
    try:
        found = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except ValueError as error:
        raise _unreadable(key) from error
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise _unreadable(key)
    return Signed(read_certificate(certificate), found)


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, starts_at: datetime, ends_at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:NAME_MAX])])


def _unreadable(path: Path) -> PipelineError:
    return PipelineError(
        "it holds neither the certificate nor the key that was written there",
        mend=f"restore it from a copy, or remove {path.parent} for a new one",
        where=str(path),
    )
