"""A primary that is killed, and its standby promoted: one address names both."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from servers.postgres_standby import postgres_pair

import polystore
from polystore.errors import ConnectionFailed, OperationTimeout, PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STORES = {"papers": {"kind": "doc", "indexes": ["n"]}}


async def test_acknowledged_writes_survive_a_failover() -> None:
    with postgres_pair() as pair:
        block = {"use": "postgres", "dsn": pair.dsn, "timeout": "5s"}
        config = {"backends": {"main": block}, "stores": STORES}
        acknowledged: list[str] = []
        async with polystore.open(config, schema="auto") as ps:
            papers = ps.doc("papers")

            async def write(worker: int) -> None:
                for number in range(100_000):
                    id_ = f"{worker}-{number}"
                    await papers.put(id_, {"n": number})
                    acknowledged.append(id_)
                    if len(acknowledged) == 200:
                        enough.set()

            enough = asyncio.Event()
            writers = [asyncio.create_task(write(worker)) for worker in range(4)]
            await enough.wait()
            os.kill(pair.primary.pid, signal.SIGKILL)
            ended = await asyncio.gather(*writers, return_exceptions=True)
            assert all(isinstance(e, ConnectionFailed | OperationTimeout) for e in ended), ended
            with pytest.raises(PolystoreError) as caught:
                await papers.put("while-nobody-takes-writes", {})
            assert caught.value.retryable
            pair.promote()
            await _until_it_works(lambda: papers.put("after", {"n": -1}))
            found = await papers.get_many(acknowledged)
            assert [document.id for document in found if document is not None] == acknowledged
            assert await papers.count() <= len(acknowledged) + 4 + 2
            assert (await papers.find(sort="n", limit=1)).items[0].id == "after"


async def test_a_standby_alone_is_told() -> None:
    with postgres_pair() as pair:
        primary = pair.primary.dsn
        config: dict[str, Any] = {
            "backends": {"main": {"use": "postgres", "dsn": primary}},
            "stores": STORES,
        }
        async with polystore.open(config, schema="auto") as ps:
            await ps.doc("papers").put("a", {"n": 1})
        config["backends"] = {"main": {"use": "postgres", "dsn": pair.standby.dsn}}
        async with polystore.open(config) as ps:
            assert await ps.doc("papers").get("a") == {"n": 1}
            with pytest.raises(ConnectionFailed, match="read-only") as caught:
                await ps.doc("papers").put("b", {})
            assert not caught.value.retryable
            found = {finding.check: finding.severity for finding in await ps.doctor()}
            assert found["read_only"] == "error"


async def _until_it_works(attempt: Callable[[], Awaitable[object]]) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        try:
            await attempt()
        except (ConnectionFailed, OperationTimeout):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.1)
        else:
            return
