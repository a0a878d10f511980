"""Two clients of one configuration; many tasks of one client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from polystore.errors import Conflict
from polystore.filters import F
from polystore.testing.backend.base import (
    NOT_SHARED,
    STORE_OF,
    BackendTests,
    count,
    freshest,
    handle,
    kinds_of,
    number_of,
    read,
    unserved,
    value_of,
    write,
)
from polystore.testing.outcomes import not_applicable
from polystore.testing.vector.base import unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Workspace


class BackendClients(BackendTests):
    """Clients."""

    async def test_two_clients(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """Each sees what the other wrote, replaced and deleted; or, sharing nothing, none of it."""
        async with self.other(config, space.name) as other:
            for kind in kinds_of(config):
                await write(space, kind, "a", 1)
                expected = 1 if self.clients_share else None
                theirs = await freshest(handle(other, kind))
                found = await value_of(theirs, kind, "a")
                assert found == expected, f"{kind}: what one client stored, as the other reads it"
                await write(other, kind, "a", 2)
                await write(other, kind, "b", 3)
                ours, expected = await freshest(handle(space, kind)), 2 if self.clients_share else 1
                assert await value_of(ours, kind, "a") == expected, kind
                assert await number_of(ours, kind) == expected, kind

    async def test_two_clients_search(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """Searches and finds see the writes of another client, too."""
        if not self.clients_share:
            not_applicable(NOT_SHARED)
            return
        async with self.other(config, space.name) as other:
            for kind in kinds_of(config):
                await write(other, kind, "a", 5)
            if "doc" in kinds_of(config):
                page = await space.doc(STORE_OF["doc"]).find(F("n") == 5)
                assert [document.id for document in page.items] == ["a"]
            if "vector" in kinds_of(config):
                hits = await (await freshest(space.vector(STORE_OF["vector"]))).search(unit(0))
                assert [hit.id for hit in hits] == ["a"]
            if "graph" in kinds_of(config):
                assert await space.graph(STORE_OF["graph"]).neighbors("a") == ["a"]

    async def test_one_counter_of_two_clients(
        self, space: Workspace, config: Mapping[str, Any]
    ) -> None:
        """Compare-and-set holds between clients."""
        if "kv" not in kinds_of(config) or not self.clients_share:
            not_applicable(unserved(config, "kv") or NOT_SHARED)
            return
        async with self.other(config, space.name) as other:
            await space.kv("kit_kv").put("n", 0)

            async def increment(stores: Any) -> None:
                while True:
                    entry = await stores.kv("kit_kv").get_entry("n")
                    assert entry is not None, "a client does not see what the other one stored"
                    try:
                        await stores.kv("kit_kv").compare_and_set(
                            "n", entry.value + 1, entry.version
                        )
                    except Conflict:
                        continue
                    return

            await asyncio.gather(
                *(increment(stores) for _ in range(8) for stores in (space, other))
            )
            assert await other.kv("kit_kv").get("n") == 16

    async def test_many_tasks(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """Hundreds of calls at the same time, of all kinds, all succeed and all count."""
        kinds = kinds_of(config)

        async def work(number: int) -> None:
            kind = kinds[number % len(kinds)]
            await write(space, kind, f"r{number}", number)
            assert await read(space, kind, f"r{number}") == number

        await asyncio.gather(*(work(number) for number in range(200)))
        assert sum([await count(space, kind) for kind in kinds]) == 200

    async def test_views_of_a_client(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """A handle with other options reads and writes the same rows."""
        if "kv" not in kinds_of(config):
            not_applicable("the backend serves no kv")
            return
        patient = space.kv("kit_kv").with_options(timeout=60)
        await patient.put("a", 1)
        assert await space.kv("kit_kv").get("a") == 1
        assert patient.workspace == space.name
        assert patient.name == "kit_kv"
