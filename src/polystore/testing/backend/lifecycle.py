"""Open, close, open again; use at the wrong time or place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import Closed, WrongLoop
from polystore.testing.backend.base import (
    BackendTests,
    count,
    handle,
    kinds_of,
    opened_backend,
    read,
    write,
)
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import open_with, stores_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore


class BackendLifecycle(BackendTests):
    """Lifecycle."""

    async def test_open_twice_and_close_twice(self, config: Mapping[str, Any]) -> None:
        """Closing twice, closing what was never opened, and opening again are all fine."""
        stores = stores_for(config, *kinds_of(config))
        client = open_with(config, stores)
        await client.close()
        await client.start()
        await client.close()
        await client.close()
        for _ in range(2):
            async with open_with(config, stores) as again:
                for kind in kinds_of(config):
                    await write(again.workspace(fresh_workspace()), kind, "a")

    async def test_use_before_open(self, config: Mapping[str, Any]) -> None:
        """A client that is not open says so."""
        client = open_with(config, stores_for(config, *kinds_of(config)))
        for kind in kinds_of(config):
            await assert_raises(Closed, lambda kind=kind: count(client, kind))

    async def test_use_after_close(self, config: Mapping[str, Any]) -> None:
        """After close every handle says so, whether it was used before or not."""
        client = open_with(config, stores_for(config, *kinds_of(config)))
        await client.start()
        space = client.workspace(fresh_workspace())
        for kind in kinds_of(config)[::2]:
            await write(space, kind, "a")
        handles = [handle(space, kind) for kind in kinds_of(config)]
        await client.close()
        for store in handles:
            await assert_raises(Closed, store.count)
            await assert_raises(Closed, store.clear)
        for kind in kinds_of(config):
            await assert_raises(Closed, lambda kind=kind: read(space, kind, "a"))
        await assert_raises(Closed, client.workspaces)

    async def test_use_in_another_loop(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """Another event loop is refused, before anything is done to the connection."""
        space = client.workspace(fresh_workspace())
        for kind in kinds_of(config):
            await write(space, kind, "a", 1)

            def elsewhere(kind: Any = kind) -> None:
                with pytest.raises(WrongLoop):
                    asyncio.run(write(space, kind, "a", 2))
                with pytest.raises(WrongLoop):
                    asyncio.run(read(space, kind, "a"))

            await asyncio.to_thread(elsewhere)
            assert await read(space, kind, "a") == 1

    async def test_open_again_keeps_what_is_durable(self, config: Mapping[str, Any]) -> None:
        """Where `durable` is declared, everything is there after closing and opening again."""
        space = fresh_workspace()
        durable: list[Any] = []
        async with open_with(config, stores_for(config, *kinds_of(config))) as client:
            for kind in kinds_of(config):
                await write(client.workspace(space), kind, "a", 7)
                live = opened_backend(client).backend.capabilities(kind)
                if live is not None and "durable" in live.features:
                    durable.append(kind)
        async with open_with(config, stores_for(config, *kinds_of(config))) as client:
            for kind in kinds_of(config):
                found = await read(client.workspace(space), kind, "a")
                assert found == 7 or (found is None and kind not in durable), kind
                await write(client.workspace(space), kind, "a", 8)
                assert await read(client.workspace(space), kind, "a") == 8

    async def test_a_failed_block_closes(self, config: Mapping[str, Any]) -> None:
        """An exception inside the block closes the client, and comes out as it is."""
        client = open_with(config, stores_for(config, *kinds_of(config)))
        with pytest.raises(ZeroDivisionError):
            async with client:
                raise ZeroDivisionError
        await assert_raises(Closed, lambda: count(client, kinds_of(config)[0]))
