"""Logins, databases, versions, addresses where no Milvus is, connections that stay open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pymilvus.grpc_gen import milvus_pb2  # pyright: ignore[reportMissingTypeStubs]
from servers.patience import until_it_works
from servers.process import free_port
from servers.tcp import tcp_server
from typing_extensions import override

from polystore.errors import ConnectionFailed, OperationTimeout, UnsupportedError

from .clients import client_of, record, refused

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Generator

    from servers.milvus import MilvusServer
    from servers.toxiproxy import Toxiproxy

_SERVICE = "/milvus.proto.milvus.MilvusService/"


async def test_wrong_logins_are_told_without_showing_them(
    shared_block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    without = {key: value for key, value in shared_block.items() if key != "token"}
    for login in (
        {"token": "root:wrong-one"},
        {"token": "wrong-one"},
        {"username": "nobody", "password": "wrong-one"},
        {},
    ):
        error = await refused(without | login)
        assert isinstance(error, ConnectionFailed)
        assert not error.retryable
        assert "token" in str(error)
    assert "wrong-one" not in caplog.text


async def test_the_right_login_is_never_shown(
    shared_block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    block = dict(shared_block)
    user, _, password = block.pop("token").partition(":")
    async with client_of({**block, "username": user, "password": password}) as ps:
        await ps.vector("things").upsert([record("a")])
        backend = ps.runtime.backends["main"].backend
        assert password not in f"{backend.config!r}{backend!r}{ps!r}"
        assert await ps.raw("main").has_collection(f"{block['namespace']}__things__1")
    assert password not in caplog.text


async def test_databases(shared_block: dict[str, Any], milvus23: MilvusServer) -> None:
    error = await refused({**shared_block, "database": "nowhere"})
    assert isinstance(error, ConnectionFailed)
    assert not error.retryable
    assert "database" in str(error)
    admin, name = milvus23.client(), f"own_{secrets.token_hex(4)}"
    admin.create_database(name)
    try:
        in_own = {**shared_block, "database": name}
        async with client_of(in_own) as own, client_of(shared_block) as default:
            there = own.workspace("databases").vector("things")
            await there.upsert([record("a")])
            here = default.workspace("databases").vector("things")
            assert await here.with_options(consistency="strong").count() == 0
            assert await there.count() == 1
            collections = await own.raw("main").list_collections()
            assert f"{shared_block['namespace']}__things__1" in collections
    finally:
        inside = milvus23.client(db_name=name)
        for collection in inside.list_collections():
            inside.drop_collection(collection)
        inside.close()
        admin.drop_database(name)
        admin.close()


class _Through(grpc.GenericRpcHandler):
    """Hands every call on to a server as it is, but for its version."""

    def __init__(self, channel: grpc.aio.Channel, version: str) -> None:
        self._channel = channel
        self._version = version

    @override
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = str(handler_call_details.method)

        async def call(request: bytes, context: Any) -> bytes:
            channel: Any = self._channel  # whose methods have types of their own only
            answer: bytes = await channel.unary_unary(method)(
                request, metadata=context.invocation_metadata()
            )
            if method != f"{_SERVICE}GetVersion":
                return answer
            return milvus_pb2.GetVersionResponse(version=self._version).SerializeToString()

        library: Any = grpc
        return library.unary_unary_rpc_method_handler(call)


@contextlib.asynccontextmanager
async def saying(server: MilvusServer, version: str) -> AsyncGenerator[str]:
    """Yield the address of a server that says that it is of another version."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        proxy = grpc.aio.server()
        proxy.add_generic_rpc_handlers((_Through(channel, version),))
        port = proxy.add_insecure_port("127.0.0.1:0")
        await proxy.start()
        yield f"http://127.0.0.1:{port}"
        await proxy.stop(None)


async def test_other_versions(shared_block: dict[str, Any], milvus23: MilvusServer) -> None:
    """One that is too old is refused, one that is newer than what is tested is pointed out."""
    async with saying(milvus23, "v2.2.16") as uri:
        error = await refused({**shared_block, "uri": uri})
        assert isinstance(error, UnsupportedError)
        assert "Milvus v2.2.16" in str(error)
        assert "2.3 or later" in (error.hint or "")
    async with (
        saying(milvus23, "v2.9.0") as uri,
        client_of({**shared_block, "uri": uri}) as ps,
    ):
        (found,) = [f for f in await ps.doctor() if f.check == "version" and f.backend == "main"]
        assert found.severity == "info"
        assert "v2.9.0 is newer than 2.3" in found.message


async def test_nobody_listens(shared_block: dict[str, Any]) -> None:
    for uri in (f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid:19530"):
        error = await refused({**shared_block, "uri": uri})
        assert isinstance(error, ConnectionFailed)
        assert "cannot be reached" in str(error)
        assert not error.maybe_applied


@contextlib.contextmanager
def server_of(answer: bytes | None) -> Generator[str]:
    """Serve something that is no Milvus: it answers so, or never."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        if answer is not None:
            connection.sendall(answer)
            return
        while connection.recv(100):
            pass

    with tcp_server(serve) as port:
        yield f"http://127.0.0.1:{port}"


async def test_something_else_listens(shared_block: dict[str, Any]) -> None:
    for answer in (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"", None):
        with server_of(answer) as uri:
            async with asyncio.timeout(60):
                error = await refused({**shared_block, "uri": uri, "connect_timeout": 1})
            assert isinstance(error, ConnectionFailed), error


async def test_https_where_the_server_speaks_http(milvus23: MilvusServer) -> None:
    error = await refused({"uri": f"https://127.0.0.1:{milvus23.port}"})
    assert isinstance(error, ConnectionFailed)
    assert not error.retryable


async def test_a_server_that_stops_answering_holds_up_nothing_for_ever(
    shared_block: dict[str, Any], milvus23: MilvusServer, toxiproxy: Toxiproxy
) -> None:
    """Also not what no call's deadline covers: opening stores, plan, doctor."""
    proxy = toxiproxy.proxy(milvus23.port)
    try:
        behind = {**shared_block, "uri": f"http://127.0.0.1:{proxy.port}", "timeout": "2s"}
        async with client_of(behind) as ps:
            await ps.workspace("stalled").vector("things").upsert([record("a")])
            await asyncio.to_thread(proxy.stall)
            async with asyncio.timeout(60):
                with pytest.raises((ConnectionFailed, OperationTimeout)):
                    await ps.plan()
            await asyncio.to_thread(proxy.heal)
            assert await until_it_works(ps.workspace("stalled").vector("things").count) == 1
    finally:
        proxy.remove()


def test_no_connection_is_left_open(shared_block: dict[str, Any], milvus23: MilvusServer) -> None:
    """Also not that of the driver's own client."""

    async def once() -> None:
        async with client_of(shared_block) as ps:
            await ps.vector("things").count()
            assert connections(milvus23.port)
            await ps.raw("main").list_collections()

    asyncio.run(once())
    assert not left(milvus23.port)


def test_a_refused_opening_leaves_none_either(
    shared_block: dict[str, Any], milvus23: MilvusServer
) -> None:
    """Even while somebody has the error."""
    error = asyncio.run(refused({**shared_block, "token": "root:wrong-one"}))
    assert not left(milvus23.port), error


def left(port: int) -> list[str]:
    """Return the connections that stay."""
    # gRPC ends a closed channel's connection in a thread of its own, a little later.
    patience = time.monotonic() + 30
    while connections(port) and time.monotonic() < patience:
        time.sleep(0.05)
    return connections(port)


def connections(port: int) -> list[str]:
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
