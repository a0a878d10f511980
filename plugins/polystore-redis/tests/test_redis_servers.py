"""TLS, Sentinel, a cluster, and servers that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from servers.certificates import Certificates
from servers.patience import until_it_works
from servers.process import free_port
from servers.redis import (
    RedisServer,
    redis_cluster,
    redis_sentinels,
    redis_server,
    tls_redis_server,
)

from polystore.errors import ConfigError, ConnectionFailed, OperationTimeout, PolystoreError
from polystore.testing.checks import eventually

from .clients import client_of

if TYPE_CHECKING:
    from collections.abc import Sized
    from pathlib import Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The server's certificate is for the name localhost, not for 127.0.0.1."""
    return Certificates.create(tmp_path_factory.mktemp("tls"), host="localhost", client="client")


async def test_certificates_are_checked(certificates: Certificates) -> None:
    trusted = {"root_cert": certificates.path("ca.pem")}
    with tls_redis_server(certificates) as port:
        async with client_of({"url": f"rediss://localhost:{port}", "tls": trusted}) as ps:
            await ps.kv("things").put("a", 1)
            assert await ps.kv("things").get("a") == 1
            [found] = [f for f in await ps.doctor() if f.check == "server_certificate"]
            assert found.severity == "warning"  # it is good for a day
        for url, tls, told in (
            (f"rediss://127.0.0.1:{port}", trusted, "not accepted"),
            (f"rediss://localhost:{port}", {}, "not accepted"),
            (f"redis://localhost:{port}", None, "lost|reached"),
        ):
            block: dict[str, Any] = {"url": url} | ({"tls": tls} if tls is not None else {})
            with pytest.raises(ConnectionFailed, match=told):
                await client_of(block).__aenter__()


async def test_a_client_shows_its_certificate_where_it_has_to(certificates: Certificates) -> None:
    trusted = {"root_cert": certificates.path("ca.pem")}
    own = {"cert": certificates.path("client.pem"), "key": certificates.path("client.key")}
    with tls_redis_server(certificates, clients=True) as port:
        url = f"rediss://localhost:{port}"
        async with client_of({"url": url, "tls": trusted | own}) as ps:
            await ps.kv("things").put("a", 1)
            [found] = [f for f in await ps.doctor() if f.check == "server_certificate"]
            assert "expires on" in found.message
        with pytest.raises(ConnectionFailed):
            await client_of({"url": url, "tls": trusted}).__aenter__()
        wrong = trusted | {"cert": own["key"], "key": own["cert"]}
        with pytest.raises(ConfigError, match="no certificate or key"):
            await client_of({"url": url, "tls": wrong}).__aenter__()


RIGHT = "right-one"


async def test_wrong_passwords_are_told_without_showing_them() -> None:
    with redis_server(password=RIGHT) as server:
        async with client_of({"url": server.url}) as ps:
            await ps.kv("things").put("a", 1)
        for block in (
            {"url": f"redis://:wrong-one@127.0.0.1:{server.port}"},
            {"url": f"redis://127.0.0.1:{server.port}"},
        ):
            with pytest.raises(ConnectionFailed) as caught:
                await client_of(block).__aenter__()
            assert not caught.value.retryable
            assert "wrong-one" not in f"{caught.value!r}{caught.value}"


async def test_nobody_listens() -> None:
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        await client_of({"url": f"redis://127.0.0.1:{free_port()}"}).__aenter__()


async def test_acknowledged_writes_survive_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    acknowledged: list[str] = []
    with redis_server(port=port, folder=tmp_path) as server:
        client = client_of({"url": server.url, "timeout": "2s"})
        ps = await client.__aenter__()

        async def write(worker: int) -> None:
            for number in range(100_000):
                key = f"{worker}-{number}"
                await ps.doc("papers").put(key, {"group": worker, "n": number})
                acknowledged.append(key)

        writers = [asyncio.create_task(write(worker)) for worker in range(4)]
        await eventually(lambda: _more_than(100, acknowledged), what="a hundred writes")
        os.kill(server.pid, signal.SIGKILL)
        ended = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(error, ConnectionFailed | OperationTimeout) for error in ended), ended
        with pytest.raises(PolystoreError):
            await ps.doc("papers").get("0-0")
    with redis_server(port=port, folder=tmp_path):
        there = await until_it_works(lambda: ps.doc("papers").get_many(acknowledged))
        assert [d.id for d in there if d is not None] == acknowledged
        found = await ps.doc("papers").count()
        assert len(acknowledged) <= found <= len(acknowledged) + 4
        listed = [document async for document in ps.doc("papers").scan()]
        assert len(listed) == found
        assert sum(count.count for count in await ps.doc("papers").count_by("group")) == found
        await client.__aexit__(None, None, None)


async def test_a_failover_by_sentinels() -> None:
    with redis_sentinels() as group:
        block = {"sentinel": {"hosts": group.hosts, "service": group.service}, "timeout": "2s"}
        async with client_of(block) as ps:
            await ps.doc("papers").put_many({f"d{n}": {"n": n} for n in range(200)})
            # Replication is asynchronous: only what the replica has can survive the primary.
            assert await ps.runtime.backends["main"].backend.raw.wait(1, 5000) == 1
            os.kill(group.primary.pid, signal.SIGKILL)
            with pytest.raises((ConnectionFailed, OperationTimeout)):
                await ps.doc("papers").put("x", {})
            await until_it_works(lambda: ps.doc("papers").put("after", {"n": -1}))
            assert await ps.doc("papers").count() >= 201
            assert (await ps.doc("papers").get("d199")) is not None


async def test_a_cluster_spreads_and_survives_a_killed_primary() -> None:
    with redis_cluster() as nodes:
        block = {"cluster": [f"127.0.0.1:{node.port}" for node in nodes], "timeout": "3s"}
        async with client_of(block) as ps:
            await ps.kv("things").put_many({f"k{n}": n for n in range(600)})
            await ps.doc("papers").put_many({f"d{n}": {"n": n, "group": 1} for n in range(200)})
            rows = [_rows(node) for node in nodes[:3]]
            assert sum(rows) == 800
            assert min(rows) > 60, "entries of one workspace are on every node"
            capabilities = await ps.kv("things").capabilities()
            assert capabilities.limits.atomic_batch == 1
            for node in nodes[:3]:
                with node.client() as client:
                    assert client.execute_command("WAIT", 1, 5000) == 1
            os.kill(nodes[1].pid, signal.SIGKILL)
            answers = await until_it_works(
                lambda: ps.kv("things").get_many([f"k{n}" for n in range(600)])
            )
            assert answers == list(range(600))
            await until_it_works(lambda: ps.kv("things").put_many({f"k{n}": 0 for n in range(600)}))
            assert await ps.kv("things").count() == 600
            page = await until_it_works(lambda: ps.doc("papers").find(sort="-n", limit=2))
            assert [document.id for document in page.items] == ["d199", "d198"]


async def _more_than(number: int, things: Sized) -> bool:
    return len(things) > number


def _rows(node: RedisServer) -> int:
    with node.client() as client:
        return sum(b":r:" in key for key in client.scan_iter("*"))
