"""Logins, databases, TLS, addresses where no Milvus is, and a server that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from servers.certificates import Certificates
from servers.milvus import milvus_server
from servers.process import free_port

from polystore import VectorRecord
from polystore.errors import (
    ConfigError,
    ConnectionFailed,
    OperationTimeout,
    PolystoreError,
)

from .clients import DIMENSIONS, client_of, until_it_works

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from servers.milvus import MilvusServer
    from servers.toxiproxy import Toxiproxy

ROW = VectorRecord("a", [1.0] * DIMENSIONS, "text", {"n": 1})


async def refused(block: dict[str, Any]) -> PolystoreError:
    """Return the error of opening a client, checked for secrets."""
    with pytest.raises(PolystoreError) as caught:
        await client_of({"connect_timeout": 5, **block}).__aenter__()
    error = caught.value
    shown = f"{error!r}{error}{error.__cause__!r}{error.__cause__}"
    for key in ("token", "password"):
        if key in block:
            assert block[key].rpartition(":")[2] not in shown
    assert error.hint
    return error


async def test_wrong_logins_are_told_without_showing_them(
    block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    block.pop("token")
    for login in (
        {"token": "root:wrong-one"},
        {"token": "wrong-one"},
        {"username": "nobody", "password": "wrong-one"},
        {},
    ):
        error = await refused(block | login)
        assert isinstance(error, ConnectionFailed)
        assert not error.retryable
        assert "token" in str(error)
    assert "wrong-one" not in caplog.text


async def test_the_right_login_is_never_shown(
    block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user, _, password = block.pop("token").partition(":")
    async with client_of({**block, "username": user, "password": password}) as ps:
        await ps.vector("chunks").upsert([ROW])
        backend = ps.runtime.backends["main"].backend
        assert password not in f"{backend.config!r}{backend!r}{ps!r}"
        assert await ps.raw("main").has_collection(f"{block['namespace']}__chunks__1")
    assert password not in caplog.text


async def test_databases(block: dict[str, Any], milvus23: MilvusServer) -> None:
    error = await refused({**block, "database": "nowhere"})
    assert isinstance(error, ConnectionFailed)
    assert not error.retryable
    assert "database" in str(error)
    admin, name = milvus23.client(), f"own_{secrets.token_hex(4)}"
    admin.create_database(name)
    try:
        async with client_of({**block, "database": name}) as own, client_of(block) as default:
            await own.vector("chunks").upsert([ROW])
            strong = default.vector("chunks").with_options(consistency="strong")
            assert await strong.count() == 0
            assert await own.vector("chunks").count() == 1
            assert f"{block['namespace']}__chunks__1" in await own.raw("main").list_collections()
    finally:
        inside = milvus23.client(db_name=name)
        for collection in inside.list_collections():
            inside.drop_collection(collection)
        inside.close()
        admin.drop_database(name)
        admin.close()


async def test_nobody_listens(block: dict[str, Any]) -> None:
    for uri in (f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid:19530"):
        error = await refused({**block, "uri": uri})
        assert isinstance(error, ConnectionFailed)
        assert "cannot be reached" in str(error)
        assert not error.maybe_applied


@contextlib.asynccontextmanager
async def server_of(answer: bytes | None) -> AsyncGenerator[str]:
    """Serve something that is no Milvus: it answers so, or never."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(100)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()


async def test_something_else_listens(block: dict[str, Any]) -> None:
    for answer in (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"", None):
        async with server_of(answer) as uri:
            async with asyncio.timeout(30):
                error = await refused({**block, "uri": uri, "connect_timeout": 2})
            assert isinstance(error, ConnectionFailed), error


async def test_a_server_that_stops_answering_holds_up_nothing_for_ever(
    block: dict[str, Any], milvus23: MilvusServer, toxiproxy: Toxiproxy
) -> None:
    """Also not what no call's deadline covers: opening stores, plan, doctor."""
    proxy = toxiproxy.proxy(milvus23.port)
    try:
        behind = {**block, "uri": f"http://127.0.0.1:{proxy.port}", "timeout": "2s"}
        async with client_of(behind) as ps:
            await ps.vector("chunks").upsert([ROW])
            await asyncio.to_thread(proxy.stall)
            async with asyncio.timeout(60):
                with pytest.raises((ConnectionFailed, OperationTimeout)):
                    await ps.plan()
            await asyncio.to_thread(proxy.heal)
            assert await until_it_works(ps.vector("chunks").count) == 1
    finally:
        proxy.remove()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The server's certificate is for the name localhost, not for 127.0.0.1."""
    return Certificates.create(tmp_path_factory.mktemp("tls"), host="localhost", client="client")


async def test_certificates_are_checked(certificates: Certificates, tmp_path: Path) -> None:
    trusted = {"root_cert": certificates.path("ca.pem")}
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("this is no certificate")
    with milvus_server(tls=certificates) as server:
        named = f"https://localhost:{server.port}"
        for block in (
            {"uri": named, "tls": trusted},
            {
                "uri": f"https://127.0.0.1:{server.port}",
                "tls": trusted | {"server_name": "localhost"},
            },
        ):
            async with client_of(block) as ps:
                await ps.vector("chunks").upsert([ROW])
                found = {f.check: f.severity for f in await ps.doctor() if f.backend == "main"}
                assert found["encryption"] == "ok"
                assert await ps.raw("main").list_collections()
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"uri": f"https://127.0.0.1:{server.port}", "tls": trusted}, "TLS failed"),
            ({"uri": named, "tls": trusted | {"server_name": "other.example"}}, "TLS failed"),
            ({"uri": named}, "TLS failed"),
            ({"uri": f"http://localhost:{server.port}"}, "lost|reached"),
        ]
        for block, words in wrong:
            error = await refused(block)
            assert isinstance(error, ConnectionFailed), error
            assert any(word in str(error) for word in words.split("|")), error
        for tls in (
            {"root_cert": str(garbage)},
            trusted | {"cert": str(garbage), "key": certificates.path("client.key")},
        ):
            error = await refused({"uri": named, "tls": tls})
            assert isinstance(error, ConfigError)
            assert "no certificate or key" in str(error)


async def test_both_sides_show_certificates(certificates: Certificates) -> None:
    trusted = {"root_cert": certificates.path("ca.pem")}
    own = {"cert": certificates.path("client.pem"), "key": certificates.path("client.key")}
    with milvus_server(tls=certificates, clients=True) as server:
        uri = f"https://localhost:{server.port}"
        async with client_of({"uri": uri, "tls": trusted | own}) as ps:
            await ps.vector("chunks").upsert([ROW])
            assert await ps.vector("chunks").count() == 1
            assert await ps.raw("main").list_collections()
        error = await refused({"uri": uri, "tls": trusted})
        assert isinstance(error, ConnectionFailed)


async def test_an_expired_certificate(tmp_path: Path) -> None:
    expired = Certificates.create(tmp_path, host="localhost", client="client", expired=True)
    with milvus_server(tls=expired) as server:
        block = {
            "uri": f"https://localhost:{server.port}",
            "tls": {"root_cert": expired.path("ca.pem")},
        }
        error = await refused(block)
        assert isinstance(error, ConnectionFailed)
        assert not error.retryable
        assert "TLS failed" in str(error)


async def test_https_where_the_server_speaks_http(milvus23: MilvusServer) -> None:
    error = await refused({"uri": f"https://127.0.0.1:{milvus23.port}"})
    assert isinstance(error, ConnectionFailed)
    assert not error.retryable


async def test_acknowledged_writes_survive_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    acknowledged: list[str] = []
    with milvus_server(port=port, folder=tmp_path) as server:
        client = client_of({"uri": server.uri, "timeout": "3s"})
        ps = await client.__aenter__()
        enough = asyncio.Event()

        async def write(worker: int) -> None:
            for number in range(100_000):
                id_ = f"{worker}-{number:05}"
                await ps.vector("chunks").upsert([VectorRecord(id_, [1.0] * DIMENSIONS)])
                acknowledged.append(id_)
                if len(acknowledged) == 200:
                    enough.set()

        writers = [asyncio.create_task(write(worker)) for worker in range(4)]
        await enough.wait()
        await ps.vector("chunks").upsert([ROW])
        await ps.vector("chunks").delete(["a"])
        os.kill(server.pid, signal.SIGKILL)
        ended = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(error, ConnectionFailed | OperationTimeout) for error in ended), ended
        with pytest.raises(PolystoreError):
            await ps.vector("chunks").get("0-00000")
    with milvus_server(port=port, folder=tmp_path):
        chunks = ps.vector("chunks")
        there = await until_it_works(lambda: chunks.get_many(acknowledged))
        assert [record.id for record in there if record is not None] == acknowledged
        assert await chunks.get("a") is None
        found = await chunks.count()
        assert len(acknowledged) <= found <= len(acknowledged) + 4
        scanned = [record.id async for record in chunks.scan()]
        assert set(scanned) >= set(acknowledged)
        assert len(scanned) == found
        await client.__aexit__(None, None, None)


def test_no_connection_is_left_open(milvus23: MilvusServer) -> None:
    """Also not that of the driver's own client."""

    async def once() -> None:
        async with client_of({**milvus23.block, "namespace": f"t{secrets.token_hex(6)}"}) as ps:
            await ps.vector("chunks").count()
            await ps.raw("main").list_collections()

    asyncio.run(once())
    assert not _connections(milvus23.port)


def _connections(port: int) -> list[str]:
    """Return this process's connections to `port`, of those that are established."""
    mine: set[str] = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            mine.add(str(entry.readlink()))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]
    ]
    return [
        fields[2]
        for fields in lines
        if fields[2].endswith(f":{port:04X}")
        and fields[3] == "01"
        and f"socket:[{fields[9]}]" in mine
    ]
