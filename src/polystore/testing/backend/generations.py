"""Generations of vector stores: filled and switched to while others read and write."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from polystore.capabilities import Feature
from polystore.client import open as open_client
from polystore.errors import (
    ConfigError,
    Conflict,
    InvalidRecord,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)
from polystore.filters import F
from polystore.stores.vector_input import build_batch
from polystore.testing.backend.base import NOT_SHARED, BackendTests, freshest, unserved
from polystore.testing.backend.moving import (
    NEW,
    OLD,
    Moving,
    as_numbers,
    embed,
    facts,
    not_finite,
    nothing,
    too_few,
    too_short,
)
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import info_of, open_with, with_stores
from polystore.testing.outcomes import not_applicable, note_declared, note_refused
from polystore.types.batches import Stamp
from polystore.types.call import Call
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from polystore.schema.carrying import Embed
    from polystore.schema.generations import Generations


class BackendGenerations(BackendTests):
    """Generations."""

    def reason_against(self, config: Mapping[str, Any]) -> str | None:
        """Return why there is nothing to test; None if there is."""
        reason = unserved(config, "vector")
        if reason is None and not self.clients_share:
            reason = NOT_SHARED
        if reason is None:
            has = Feature.GENERATIONS in info_of(config).at_most["vector"].features
            note_declared(Feature.GENERATIONS, declared=has)
            if not has:
                reason = "generations are not declared"
        return reason

    @asynccontextmanager
    async def moving(
        self, config: Mapping[str, Any], new: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Moving]:
        """Yield a store with records in two workspaces, and what it is to become."""
        name = f"kit_moved_{uuid4().hex[:8]}"
        spaces = (fresh_workspace(), fresh_workspace())
        declared = {name: NEW if new is None else dict(new)}
        async with (
            open_with(config, {name: OLD}) as old,
            open_client(with_stores(config, declared), schema="off") as client,
        ):
            moved = Moving(name, spaces, old, client)
            await moved.before().upsert(
                [
                    VectorRecord(f"r{n}", [1, n, 0], f"{n} text", {"n": n, "deep": {"s": str(n)}})
                    for n in range(30)
                ]
            )
            await moved.before(1).upsert([VectorRecord("r0", [0, 1, 0], "other", {})])
            yield moved
        async with open_client(with_stores(config, {}), schema="off") as client:
            await client.destroy(name)

    async def test_undeclared_generations_are_refused(self, config: Mapping[str, Any]) -> None:
        """Where generations are not declared, none can be started, and no record carried."""
        reason = unserved(config, "vector")
        if reason is None and not self.clients_share:
            reason = NOT_SHARED
        if reason is not None:
            not_applicable(reason)
            return
        if Feature.GENERATIONS in info_of(config).at_most["vector"].features:
            not_applicable("generations are declared")
            return
        name = "kit_unmoved"
        async with (
            open_with(config, {name: OLD}) as old,
            open_client(with_stores(config, {name: NEW}), schema="off") as new,
        ):
            await assert_raises(UnsupportedError, new.generations(name).start)
            note_refused(Feature.GENERATIONS)
            assert await old.workspace(fresh_workspace()).vector(name).count() == 0
            assert await old.plan() == []

    async def test_filled_switched_and_dropped(self, config: Mapping[str, Any]) -> None:
        """Records move with all that they are; readers see one generation or the other, whole."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            generations, before = moved.generations, moved.before()
            assert await generations.start() == 2
            assert await generations.start() == 2
            assert [(s.number, s.state) for s in await generations.states()] == [
                (1, "serving"),
                (2, "filling"),
            ]
            await assert_raises(
                SchemaMismatch, lambda: open_with(config, {moved.name: NEW}).start()
            )
            await assert_raises(ConfigError, generations.fill)
            report = await generations.fill(embed, batch=7)
            assert (report.carried, report.deleted, report.left) == (31, 0, 0)
            # The old one serves on, and what happens to it is carried over.
            await before.upsert([VectorRecord("r1", [3, 2, 1], "rewritten", {"n": -1})])
            await before.update_metadata({"r2": {"n": 200}})
            await before.delete(["r3", "r4"])
            await assert_raises(Conflict, generations.switch)
            report = await generations.fill(embed)
            assert (report.carried, report.deleted) == (2, 2)
            report = await generations.fill(embed)
            assert (report.carried, report.deleted, report.changed) == (0, 0, 0)
            kept = await moved.contents(moved.old), await moved.contents(moved.old, 1)
            assert await generations.switch() == 2
            assert await generations.switch() == 2
            await self._check_switched(config, moved, kept)
            assert await generations.drop() == 1
            assert [(s.number, s.state) for s in await generations.states()] == [(2, "serving")]
            # Who still has the old one open is told, and takes nothing for absent.
            await assert_raises(PolystoreError, (await freshest(before)).count)
            await assert_raises(PolystoreError, lambda: before.get("r1"))

    async def _check_switched(
        self,
        config: Mapping[str, Any],
        moved: Moving,
        kept: tuple[dict[str, VectorRecord], dict[str, VectorRecord]],
    ) -> None:
        await assert_raises(SchemaMismatch, lambda: open_with(config, {moved.name: OLD}).start())
        async with open_with(config, {moved.name: NEW}) as after:
            assert await after.plan() == []
            for number in range(2):
                found = await moved.contents(after, number)
                assert facts(found) == facts(kept[number])
                for record in found.values():
                    (expected,) = embed([record.text or ""])
                    assert np.allclose(as_numbers(record), expected)
            store = await freshest(after.workspace(moved.workspaces[0]).vector(moved.name))
            (hit,) = await store.search(embed(["rewritten"])[0], k=1, filter=F("n") == -1)
            assert hit.id == "r1"
            assert await store.count(F("n") >= 20) == 11
            assert await store.count(F.meta("updated_at") >= kept[0]["r1"].updated_at) == 2
        # Who has it open goes on with the old one.
        assert facts(await moved.contents(moved.old)) == facts(kept[0])

    async def test_after_the_switch_the_later_write_stays(self, config: Mapping[str, Any]) -> None:
        """`fill` carries what the last users of the old generation do, over nothing newer."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            generations, before = moved.generations, moved.before()
            await generations.start()
            await generations.fill(embed)
            await generations.switch()
            async with open_with(config, {moved.name: NEW}) as after:
                store = after.workspace(moved.workspaces[0]).vector(moved.name)
                five = embed(["five"])[0]
                await before.upsert([VectorRecord("old only", [1, 2, 3], "late", {"n": 1})])
                await before.upsert([VectorRecord("r1", [1, 2, 3], "earlier", {})])
                await store.upsert([VectorRecord("r1", five, "later", {})])
                await store.upsert([VectorRecord("r2", five, "earlier", {})])
                await before.upsert([VectorRecord("r2", [1, 2, 3], "later", {})])
                await store.upsert([VectorRecord("new only", five, "new", {})])
                await before.delete(["r3", "r5"])
                await store.delete(["r4"])
                await store.upsert([VectorRecord("r5", five, "written again", {})])
                await store.delete(["r6"])
                await before.upsert([VectorRecord("r6", [1, 2, 3], "cannot be told", {})])
                report = await generations.fill(embed)
                assert (report.carried, report.deleted) == (2, 1)
                assert [one.id for one in report.examples] == ["r6"]
                found = await moved.contents(after)
                texts = {id_: found[id_].text for id_ in found if id_ not in _untouched()}
                assert texts == {
                    "old only": "late",
                    "r1": "later",
                    "r2": "later",
                    "new only": "new",
                    "r5": "written again",
                }
                # What was carried and then deleted on one side does not come back.
                await store.delete(["old only"])
                await before.delete(["r2"])
                report = await generations.fill(embed)
                assert (report.carried, report.deleted) == (0, 1)
                assert {"old only", "r2"}.isdisjoint(await moved.contents(after))
                await assert_raises(Conflict, generations.drop)
                assert await generations.drop(force=True) == 1

    async def test_vectors_are_copied(self, config: Mapping[str, Any]) -> None:
        """A generation of another embedding or metric takes the vectors as they are."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        has_l2 = Feature.METRIC_L2 in info_of(config).at_most["vector"].features
        changed = {"embedding_model": "other"} | ({"metric": "l2"} if has_l2 else {})
        async with self.moving(config, {**OLD, **changed}) as moved:
            await moved.generations.start()
            assert (await moved.generations.fill()).carried == 31
            assert await moved.generations.switch() == 2
            async with open_with(config, {moved.name: {**OLD, **changed}}) as after:
                kept, found = await moved.contents(moved.old), await moved.contents(after)
                assert facts(found) == facts(kept)
                for id_, record in found.items():
                    assert np.allclose(as_numbers(record), as_numbers(kept[id_]))
                store = await freshest(after.workspace(moved.workspaces[0]).vector(moved.name))
                (hit,) = await store.search([1, 7, 0], k=1, exact=True)
                assert hit.id == "r7"

    async def test_what_cannot_be_carried_is_told(self, config: Mapping[str, Any]) -> None:
        """A function that fails, or a record without a text, loses nothing and hides nothing."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            generations = moved.generations
            await generations.start()
            await moved.before().upsert([VectorRecord("silent", [1, 1, 1], None, {})])

            async def fails(texts: list[str]) -> list[list[float]]:
                raise RuntimeError(texts[0])

            failed = await assert_raises(PolystoreError, lambda: generations.fill(fails))
            assert isinstance(failed.__cause__, RuntimeError)
            for wrong in (too_short, too_few, not_finite, nothing):
                await self._check_refused(generations, wrong)
            report = await generations.fill(embed)
            assert (report.carried, report.left) == (31, 1)
            (left,) = report.examples
            assert (left.workspace, left.id) == (moved.workspaces[0], "silent")
            await assert_raises(Conflict, generations.switch)
            assert await generations.switch(force=True) == 2
            await assert_raises(Conflict, generations.drop)
            assert "silent" in await moved.contents(moved.old)
            await assert_raises(SchemaMismatch, moved.new.generations(moved.name).start)

    async def _check_refused(self, generations: Generations, wrong: Embed) -> None:
        await assert_raises(InvalidRecord, lambda: generations.fill(wrong))

    async def test_a_generation_is_given_up(self, config: Mapping[str, Any]) -> None:
        """What was started can be dropped, and the store goes on as it was."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            generations = moved.generations
            await assert_raises(ConfigError, lambda: generations.fill(embed))
            await assert_raises(ConfigError, generations.switch)
            await generations.start()
            await generations.fill(embed)
            await assert_raises(ConfigError, generations.drop)
            assert await generations.drop(unfinished=True) == 2
            assert [one.number for one in await generations.states()] == [1]
            assert len(await moved.contents(moved.old)) == 30
            assert await moved.old.plan() == []
            await generations.start()
            assert [one.rows for one in await generations.states()] == [31, 0]

    async def test_a_dropped_workspace_leaves_no_generation(
        self, config: Mapping[str, Any]
    ) -> None:
        """To drop a workspace deletes its records in every generation."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            generations = moved.generations
            await generations.start()
            await generations.fill(embed)
            await moved.old.workspace(moved.workspaces[1]).drop()
            assert [one.rows for one in await generations.states()] == [30, 30]
            assert moved.workspaces[1] not in await moved.old.workspaces()

    async def test_records_are_carried_over_what_was_seen(self, config: Mapping[str, Any]) -> None:
        """A record that another version was seen of stays, and is not deleted."""
        reason = self.reason_against(config)
        if reason is not None:
            not_applicable(reason)
            return
        async with self.moving(config) as moved:
            store = await freshest(moved.before())
            bound = moved.old.runtime.bound("vector", moved.name)
            driver, call = await bound.ready(), Call(moved.workspaces[0])
            known = await store.get("r1")
            assert known is not None
            metadata: list[dict[str, Any]] = [{}] * 3
            batch = build_batch(
                store.spec, ["r1", "r2", "added"], np.ones((3, 3)), ["x"] * 3, metadata
            )
            long_ago = datetime(2020, 2, 2, 2, 2, 2, 20202, tzinfo=UTC)
            stamps = [Stamp(5, long_ago, long_ago + timedelta(days=1))] * 3
            # Neither one that was written, nor one that came or went meanwhile, is written over.
            assert await driver.carry(call, batch, stamps, [known.version - 1, 0, 7]) == [False] * 3
            unchanged = {record.id: record async for record in store.scan()}
            assert facts({"r1": unchanged["r1"]}) == facts({"r1": known})
            assert "added" not in unchanged
            assert await driver.carry(call, batch, stamps, [known.version, 1, 0]) == [
                True,
                False,
                True,
            ]
            for id_ in ("r1", "added"):
                stored = await store.get(id_)
                assert stored is not None
                assert (stored.text, stored.metadata, stored.version) == ("x", {}, 5)
                assert (stored.created_at, stored.updated_at) == stamps[0][1:]
            assert known.metadata["n"] == 1
            assert await store.count(F("n") == 1) == 0
            known = await store.get("r1")
            assert known is not None
            assert await driver.delete_seen(call, ["r1", "absent"], [known.version - 1, 5]) == 0
            assert await store.get("r1") is not None
            assert await driver.delete_seen(call, ["r1"], [known.version]) == 1
            assert await store.get("r1") is None


def _untouched() -> set[str]:
    return {f"r{n}" for n in range(30) if n not in {1, 2, 5}}
