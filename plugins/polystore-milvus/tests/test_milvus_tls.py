"""TLS on servers with good, expired and self-signed certificates, and for other names."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from servers.certificates import Certificates
from servers.milvus import milvus_server

from polystore.errors import ConfigError, ConnectionFailed

from .clients import client_of, record, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """The server's certificate is for the name localhost, not for 127.0.0.1."""
    return Certificates.create(tmp_path, host="localhost", client="client")


async def works(block: Mapping[str, Any]) -> None:
    """Check that a client, and the driver's own beside it, are served over TLS."""
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("a")])
        assert await ps.vector("things").count() == 1
        found = {f.check: f for f in await ps.doctor() if f.backend == "main"}
        assert found["encryption"].message == "connections use TLS"
        assert found["server_certificate"].severity == "warning"  # it is good for a day
        assert "expires on" in found["server_certificate"].message
        assert await ps.raw("main").list_collections()


async def not_trusted(block: Mapping[str, Any]) -> None:
    """Check that a client trusts a server so little that it does not try again."""
    error = await refused(block)
    assert isinstance(error, ConnectionFailed), error
    assert not error.retryable
    assert "TLS failed" in str(error)
    assert "tls:" in (error.hint or "")


async def test_both_sides_show_certificates_and_there_is_a_login(
    certificates: Certificates, tmp_path: Path
) -> None:
    trusted = {"root_cert": certificates.path("ca.pem")}
    own = {"cert": certificates.path("client.pem"), "key": certificates.path("client.key")}
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("this is no certificate")
    with milvus_server(tls=certificates, clients=True, password=secrets.token_hex(8)) as server:
        named, numbered = (f"https://{host}:{server.port}" for host in ("localhost", "127.0.0.1"))
        good = {"uri": named, "token": server.token, "tls": trusted | own}
        await works(good)
        await works(good | {"uri": numbered, "tls": trusted | own | {"server_name": "localhost"}})
        # Another name, and another authority than the one that signed.
        await not_trusted(good | {"uri": numbered})
        await not_trusted(good | {"tls": trusted | own | {"server_name": "other.example"}})
        await not_trusted(good | {"tls": own | {"root_cert": certificates.path("stranger.pem")}})
        await not_trusted(good | {"tls": own})
        # Without a certificate of one's own, and without TLS.
        for block in (
            good | {"tls": trusted},
            {"uri": f"http://localhost:{server.port}", "token": server.token},
        ):
            assert isinstance(await refused(block), ConnectionFailed)
        # A wrong login over a good connection.
        for token in ("root:wrong-one", "wrong-one"):
            error = await refused(good | {"token": token})
            assert isinstance(error, ConnectionFailed)
            assert not error.retryable
            assert "token" in str(error)
        # Files that are no certificates are told by name, before anything is sent.
        for tls in (
            {"root_cert": str(garbage)},
            trusted | {"cert": str(garbage), "key": own["key"]},
            trusted | {"cert": own["cert"], "key": certificates.path("server.key")},
        ):
            error = await refused(good | {"tls": tls})
            assert isinstance(error, ConfigError)
            assert "no certificate or key" in str(error)


async def test_an_expired_certificate(tmp_path: Path) -> None:
    expired = Certificates.create(tmp_path, host="localhost", client="client", expired=True)
    with milvus_server(tls=expired) as server:
        tls = {"root_cert": expired.path("ca.pem")}
        await not_trusted({"uri": f"https://localhost:{server.port}", "tls": tls})


async def test_a_self_signed_certificate(certificates: Certificates) -> None:
    """It is trusted by who names it, and by nobody else."""
    certificates.self_sign("localhost")
    with milvus_server(tls=certificates) as server:
        uri = f"https://localhost:{server.port}"
        await not_trusted({"uri": uri})
        await not_trusted({"uri": uri, "tls": {"root_cert": certificates.path("ca.pem")}})
        await works({"uri": uri, "tls": {"root_cert": certificates.path("server.pem")}})
