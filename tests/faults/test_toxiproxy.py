"""The proxy does to connections what the scenarios rely on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from servers.tcp import tcp_server

from polystore.testing.checks import eventually

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator

    from servers.toxiproxy import Proxy, Toxiproxy


class Echo:
    """A server that answers every line with itself, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                self.asked.append(line)
                connection.sendall(line)


@pytest.fixture
def echo() -> Generator[tuple[Echo, int]]:
    served = Echo()
    with tcp_server(served.serve) as port:
        yield served, port


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, proxy: Proxy) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def ask(self, line: bytes, timeout: float = 5) -> bytes:
        self.writer.write(line)
        async with asyncio.timeout(timeout):
            return await self.reader.readline()

    async def is_ended_by(self, line: bytes) -> bool:
        """Whether the connection ends, in order or by a reset, without an answer to `line`."""
        with contextlib.suppress(ConnectionResetError):
            return await self.ask(line) == b""
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def test_cut_ends_connections_and_refuses_new_ones(
    toxiproxy: Toxiproxy, echo: tuple[Echo, int]
) -> None:
    proxy = await asyncio.to_thread(toxiproxy.proxy, echo[1])
    client = await Client.connect(proxy)
    assert await client.ask(b"one\n") == b"one\n"
    await asyncio.to_thread(proxy.cut)
    assert await client.reader.read() == b""
    await client.close()
    with pytest.raises(ConnectionRefusedError):
        await Client.connect(proxy)
    await asyncio.to_thread(proxy.heal)
    client = await Client.connect(proxy)
    assert await client.ask(b"two\n") == b"two\n"
    await asyncio.to_thread(proxy.cut_once)
    assert await client.reader.read() == b""
    await client.close()
    client = await Client.connect(proxy)
    assert await client.ask(b"three\n") == b"three\n"
    await client.close()
    await asyncio.to_thread(proxy.remove)


@pytest.mark.parametrize("answers_only", [True, False])
async def test_a_stall_holds_what_it_says(
    toxiproxy: Toxiproxy, echo: tuple[Echo, int], answers_only: bool
) -> None:
    served, port = echo
    proxy = await asyncio.to_thread(toxiproxy.proxy, port)
    client = await Client.connect(proxy)
    assert await client.ask(b"one\n") == b"one\n"
    await asyncio.to_thread(lambda: proxy.stall(answers_only=answers_only))
    with pytest.raises(TimeoutError):
        await client.ask(b"two\n", timeout=0.5)
    expected = [b"one\n", b"two\n"] if answers_only else [b"one\n"]

    async def arrived() -> bool:
        return len(served.asked) >= len(expected)

    await eventually(arrived, what="the request reached the server")
    assert served.asked == expected
    late = await Client.connect(proxy)
    with pytest.raises(TimeoutError):
        await late.ask(b"three\n", timeout=0.5)
    await asyncio.to_thread(proxy.heal)
    fresh = await Client.connect(proxy)
    assert await fresh.ask(b"four\n") == b"four\n"
    for each in (client, late, fresh):
        await each.close()
    await asyncio.to_thread(proxy.remove)


async def test_slow_reset_and_an_answer_cut_short(
    toxiproxy: Toxiproxy, echo: tuple[Echo, int]
) -> None:
    served, port = echo
    proxy = await asyncio.to_thread(toxiproxy.proxy, port)
    await asyncio.to_thread(proxy.slow, 0.3)
    client = await Client.connect(proxy)
    begun = time.monotonic()
    assert await client.ask(b"one\n") == b"one\n"
    assert time.monotonic() - begun > 0.25
    await asyncio.to_thread(proxy.heal)
    await client.close()

    client = await Client.connect(proxy)
    await asyncio.to_thread(proxy.reset)
    assert await client.is_ended_by(b"two\n")
    await client.close()
    with pytest.raises(ConnectionResetError):
        await (await Client.connect(proxy)).ask(b"three\n")
    await asyncio.to_thread(proxy.heal)

    client = await Client.connect(proxy)
    await asyncio.to_thread(proxy.cut_after, 3)
    assert await client.ask(b"1234567\n") == b"123"
    assert served.asked[-1] == b"1234567\n"
    await client.close()
    await asyncio.to_thread(proxy.heal)
    client = await Client.connect(proxy)
    assert await client.ask(b"1234567\n") == b"1234567\n"
    await client.close()
    await asyncio.to_thread(proxy.remove)
