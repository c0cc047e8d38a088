"""Owns the secrets of one control plane: its authority, certificates, signing key and token.

All are made anew for each start and live in its state folder; nothing is shared between control planes.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID: Final = timedelta(days=365)
# A clock that was set back a little must not make a fresh certificate invalid.
_BACKDATED: Final = timedelta(hours=1)
_HOSTS: Final = (
    x509.DNSName("localhost"),
    x509.DNSName("kubernetes"),
    x509.DNSName("kubernetes.default"),
    x509.DNSName("kubernetes.default.svc"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)


@dataclass(frozen=True)
class Credentials:
    """The paths of the files, and the administrator's token."""

    folder: Path
    token: str

    @property
    def ca(self) -> Path:
        """The certificate that signed all others."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The certificate of etcd and of the API server, also as etcd's client."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The key to `certificate`."""
        return self.folder / "server.key"

    @property
    def service_account_key(self) -> Path:
        """The key that signs service-account tokens."""
        return self.folder / "service-account.key"

    @property
    def tokens(self) -> Path:
        """The API server's table of static tokens."""
        return self.folder / "tokens.csv"


def make_credentials(folder: Path) -> Credentials:
    """Write all secrets into a new folder that only this user can read."""
    folder.mkdir(mode=0o700)
    credentials = Credentials(folder, secrets.token_urlsafe(32))
    authority = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    credentials.ca.write_bytes(_pem(_sign_authority(authority, now)))
    credentials.certificate.write_bytes(_pem(_sign_server(key.public_key(), authority, now)))
    _write_key(credentials.key, key)
    _write_key(credentials.service_account_key, ec.generate_private_key(ec.SECP256R1()))
    _write_private(credentials.tokens, f'{credentials.token},admin,admin,"system:masters"\n'.encode())
    return credentials


def _sign_authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    builder = _builder(_name("classifier-operator control plane"), key.public_key(), now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(subject, critical=False).sign(key, hashes.SHA256())


def _sign_server(
    key: ec.EllipticCurvePublicKey, authority: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _builder(_name("control-plane"), key, now)
    builder = builder.add_extension(x509.SubjectAlternativeName(_HOSTS), critical=False)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    # Python 3.13 and later verify strictly: a chain without key identifiers is refused.
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return builder.add_extension(issuer, critical=False).sign(authority, hashes.SHA256())


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_name("classifier-operator control plane"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    # The API server derives the public key from this format, but not from PKCS 8.
    form, none = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    _write_private(path, key.private_bytes(serialization.Encoding.PEM, form, none))


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
