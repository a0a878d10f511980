"""What a unit of work refuses, and what survives a refusal inside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from polystore.errors import Closed, ConfigError, Conflict, InvalidRecord, StoreNotFound
from polystore.testing.backend.base import NO_TRANSACTIONS, BackendTests, handle, read, write
from polystore.testing.backend.units import names, transactional
from polystore.testing.checks import assert_raises
from polystore.testing.outcomes import not_applicable
from polystore.types.records import Edge

if TYPE_CHECKING:
    from polystore.client import Workspace


class BackendUnitRules(BackendTests):
    """Rules of units."""

    async def test_only_inside(self, space: Workspace) -> None:
        """Before it begins and after it ended a unit cannot be used, nor its handles."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        unit = space.unit_of_work(*names(kinds))

        async def early() -> None:
            handle(unit, kinds[0])

        await assert_raises(Closed, early)
        async with unit:
            kept = [handle(unit, kind) for kind in kinds]
            await write(unit, kinds[0], "a", 1)
        await assert_raises(Closed, early)
        for store in kept:
            await assert_raises(Closed, store.count)
            await assert_raises(Closed, store.clear)
        await assert_raises(Closed, unit.__aenter__)
        assert await read(space, kinds[0], "a") == 1

    async def test_only_its_stores(self, space: Workspace) -> None:
        """A store that the unit does not name is refused; so are no store and an unknown one."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return

        async def none() -> Any:
            return space.unit_of_work()

        async def unknown() -> Any:
            return space.unit_of_work("kit_nobody_declared_this")

        await assert_raises(ConfigError, none)
        await assert_raises(StoreNotFound, unknown)
        if len(kinds) > 1:
            async with space.unit_of_work(*names(kinds[:1])) as unit:

                async def foreign() -> Any:
                    return handle(unit, kinds[1])

                await assert_raises(StoreNotFound, foreign)

    async def test_refusals_inside_do_not_end_it(self, space: Workspace) -> None:
        """A refused call that the application catches leaves the unit usable."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        async with space.unit_of_work(*names(kinds)) as unit:
            await write(unit, kinds[0], "before", 1)
            if "kv" in kinds:
                kv = unit.kv("kit_kv")
                await assert_raises(InvalidRecord, lambda: kv.put("a", float("nan")))
                await assert_raises(Conflict, lambda: kv.compare_and_set("a", 1, 77))
            if "doc" in kinds:
                docs = unit.doc("kit_docs")
                await assert_raises(Conflict, lambda: docs.compare_and_set("a", {}, 77))
                assert await docs.patch("absent", {"x": 1}) is None
            if "graph" in kinds:
                graph = unit.graph("kit_graph")
                edge = Edge("nobody", "t", "nobody")
                await assert_raises(
                    Conflict, lambda: graph.upsert_edges([edge], missing_endpoints="refuse")
                )
                await graph.upsert_edges([Edge("x", "t", "y")])
                await assert_raises(Conflict, lambda: graph.delete_nodes("x"))
            await write(unit, kinds[0], "after", 2)
        assert await read(space, kinds[0], "before") == 1
        assert await read(space, kinds[0], "after") == 2

    async def test_large_batches_inside(self, space: Workspace) -> None:
        """Batches of many calls are part of the unit as a whole."""
        if "kv" not in transactional(space):
            not_applicable(NO_TRANSACTIONS)
            return
        rows = (await space.kv("kit_kv").capabilities()).limits.batch_rows
        items = {f"k{n}": n for n in range(rows + 1)}
        async with space.unit_of_work("kit_kv") as unit:
            await unit.kv("kit_kv").put_many(items)
            assert await unit.kv("kit_kv").count() == rows + 1
            assert await space.kv("kit_kv").count() == 0
        assert await space.kv("kit_kv").count() == rows + 1
        async with space.unit_of_work("kit_kv") as unit:
            assert await unit.kv("kit_kv").delete_many(items) == rows + 1

    async def test_a_counter_loses_no_increment(self, space: Workspace) -> None:
        """Units that read and compare-and-set the same row never lose one another's writes."""
        if "kv" not in transactional(space):
            not_applicable(NO_TRANSACTIONS)
            return
        await space.kv("kit_kv").put("n", 0)

        async def increment() -> bool:
            try:
                async with space.unit_of_work("kit_kv") as unit:
                    entry = await unit.kv("kit_kv").get_entry("n")
                    assert entry is not None
                    await unit.kv("kit_kv").compare_and_set("n", entry.value + 1, entry.version)
            except Conflict:
                return False
            return True

        won = await asyncio.gather(*(increment() for _ in range(10)))
        assert any(won)
        assert await space.kv("kit_kv").get("n") == sum(won)
