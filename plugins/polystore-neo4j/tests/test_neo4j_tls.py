"""TLS: whose certificate is accepted, and which a client has to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers.certificates import KEY_PASSWORD, Certificates
from servers.neo4j import Neo4jServer, neo4j_server
from servers.patience import until_it_works

from polystore import Edge
from polystore.errors import ConnectionFailed

from .clients import client_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("tls")


def _block(server: Neo4jServer, tls: Mapping[str, str], host: str = "localhost") -> dict[str, Any]:
    return {**server.block, "uri": f"bolt://{host}:{server.port}", "tls": dict(tls)}


async def _is_refused(block: Mapping[str, Any], told: str | None = None) -> None:
    with pytest.raises(ConnectionFailed, match=told) as caught:
        await client_of(block).__aenter__()
    assert block["password"] not in f"{caught.value!r}{caught.value}"


async def test_a_good_certificate_is_accepted_and_no_other(folder: Any) -> None:
    certificates = Certificates.create(folder, host="localhost", client="client")
    trusted = {"root_cert": certificates.path("ca.pem")}
    with neo4j_server(tls=certificates) as server:
        ps = client_of(_block(server, trusted))
        await until_it_works(ps.__aenter__)
        await ps.graph("knowledge").upsert_edges([Edge("a", "t", "b")])
        assert (await ps.graph("knowledge").count()) == (2, 1)
        found = {f.check: f.severity for f in await ps.doctor() if f.backend == "main"}
        assert found["encryption"] == "ok"
        assert found["server_certificate"] == "warning"  # it is good for a day
        await ps.__aexit__(None, None, None)
        # Another name than the certificate's; another authority; one that the system does not know.
        await _is_refused(_block(server, trusted, "127.0.0.1"), "certificate is not accepted")
        stranger = {"root_cert": certificates.path("stranger.pem")}
        await _is_refused(_block(server, stranger), "certificate is not accepted")
        await _is_refused(_block(server, {}), "certificate is not accepted")
        plain = {**server.block, "uri": f"bolt+s://localhost:{server.port}"}
        await _is_refused(plain, "certificate is not accepted")
        await _is_refused({**plain, "uri": f"bolt://localhost:{server.port}"})


async def test_an_expired_certificate_is_refused(folder: Any) -> None:
    certificates = Certificates.create(folder, host="localhost", client="client", expired=True)
    with neo4j_server(tls=certificates) as server:
        trusted = {"root_cert": certificates.path("ca.pem")}
        await _is_refused(_block(server, trusted), "certificate has expired")


async def test_a_certificate_of_its_own_is_trusted_when_it_is_named(folder: Any) -> None:
    certificates = Certificates.create(folder, host="localhost", client="client")
    certificates.self_sign("localhost")
    with neo4j_server(tls=certificates) as server:
        await _is_refused(_block(server, {"root_cert": certificates.path("ca.pem")}), "self-signed")
        async with client_of(_block(server, {"root_cert": certificates.path("server.pem")})) as ps:
            assert (await ps.graph("knowledge").count()) == (0, 0)


async def test_a_client_shows_its_certificate(folder: Any) -> None:
    certificates = Certificates.create(folder, host="localhost", client="client")
    trusted = {"root_cert": certificates.path("ca.pem")}
    with neo4j_server(tls=certificates, client_auth=True) as server:
        await _is_refused(_block(server, trusted))
        for key in ({"key": "client.key"}, {"key": "locked.key"}):
            files = {name: certificates.path(file) for name, file in key.items()}
            shown = trusted | {"cert": certificates.path("client.pem")} | files
            if key["key"] == "locked.key":
                shown |= {"key_password": KEY_PASSWORD}
            async with client_of(_block(server, shown)) as ps:
                await ps.graph("knowledge").upsert_edges([Edge("a", "t", "b")])
                assert (await ps.graph("knowledge").count()) == (2, 1)
