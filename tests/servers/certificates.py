"""Certificates made for a test: an authority, a server's and a client's, and another authority."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from polystore_postgres.oshost import ServerUser

KEY_PASSWORD = "k€y-pass"
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Who signs."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def issue(
        self, name: str, host: str | None, *, expired: bool = False
    ) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """Return a certificate (PEM) and its key, for a server's host or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        builder = _builder(name, issuer, key, expired=expired)
        if host is not None:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(host)]), critical=False
            )
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), key

    def revoke(self, certificate: bytes) -> bytes:
        """Return a list (PEM) that revokes `certificate`."""
        now = datetime.datetime.now(datetime.UTC)
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(x509.load_pem_x509_certificate(certificate).serial_number)
            .revocation_date(now - _DAY)
            .build()
        )
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _DAY)
            .next_update(now + _DAY)
            .add_revoked_certificate(revoked)
            .sign(self.key, hashes.SHA256())
        )
        return crl.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Certificates:
    """Files of one test run.

    Attributes:
        folder: Where they are.
    """

    folder: Path

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        host: str,
        client: str,
        expired: bool = False,
        self_signed: bool = False,
    ) -> Certificates:
        """Make all files: the server's is for `host`, the client's for the user `client`.

        Args:
            folder: Where to.
            host: Name or address of the server.
            client: Of the client's certificate.
            expired: Whether the server's certificate was good until an hour ago.
            self_signed: Whether nobody but the server itself says that it is good.
        """
        authority, stranger = Authority.create("trusted"), Authority.create("stranger")
        pem = serialization.Encoding.PEM
        (folder / "ca.pem").write_bytes(authority.certificate.public_bytes(pem))
        (folder / "stranger.pem").write_bytes(stranger.certificate.public_bytes(pem))
        server, server_key = authority.issue("server", host, expired=expired)
        if self_signed:
            own = _builder("server", "server", server_key)
            names = x509.SubjectAlternativeName([_alternative(host)])
            signed = own.add_extension(names, critical=False).sign(server_key, hashes.SHA256())
            server = signed.public_bytes(pem)
        (folder / "server.pem").write_bytes(server)
        (folder / "server.key").write_bytes(_key(server_key, None))
        (folder / "revoked.pem").write_bytes(authority.revoke(server))
        certificate, key = authority.issue(client, None)
        (folder / "client.pem").write_bytes(certificate)
        for name, password in (("client.key", None), ("locked.key", KEY_PASSWORD)):
            (folder / name).write_bytes(_key(key, password))
            (folder / name).chmod(0o600)
        return cls(folder)

    def self_sign(self, host: str) -> None:
        """Replace the server's certificate by one that no authority has signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_alternative(host)])
        builder = _builder(host, host, key).add_extension(names, critical=False)
        signed = builder.sign(key, hashes.SHA256())
        pem = signed.public_bytes(serialization.Encoding.PEM)
        (self.folder / "server.pem").write_bytes(pem)
        (self.folder / "server.key").write_bytes(_key(key, None))

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return str(self.folder / name)

    def server_settings(self, target: Path, user: ServerUser) -> dict[str, str]:
        """Copy the server's files to `target` for `user`; return what turns TLS on."""
        for name in ("server.pem", "server.key", "ca.pem"):
            copy = target / name
            copy.write_bytes((self.folder / name).read_bytes())
            copy.chmod(0o600)
            user.own(copy)
        return {
            "ssl": "on",
            "ssl_cert_file": str(target / "server.pem"),
            "ssl_key_file": str(target / "server.key"),
            "ssl_ca_file": str(target / "ca.pem"),
        }

    def redis_settings(self, target: Path) -> dict[str, str]:
        """Copy the server's files to `target`; return what turns TLS on in Redis."""
        for name in ("server.pem", "server.key", "ca.pem"):
            copy = target / name
            copy.write_bytes((self.folder / name).read_bytes())
            copy.chmod(0o644)
        return {
            "tls-cert-file": str(target / "server.pem"),
            "tls-key-file": str(target / "server.key"),
            "tls-ca-cert-file": str(target / "ca.pem"),
        }


def _builder(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    until = now - datetime.timedelta(hours=1) if expired else now + _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(until)
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    how = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
