"""Units of work: several stores of several kinds, all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from polystore.capabilities import Feature, Kind
from polystore.errors import UnsupportedError
from polystore.filters import F
from polystore.testing.backend.base import (
    NO_TRANSACTIONS,
    STORE_OF,
    BackendTests,
    count,
    kinds_of,
    opened_backend,
    read,
    write,
)
from polystore.testing.outcomes import not_applicable, note_refused
from polystore.testing.vector.base import unit as unit_vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Stores, Workspace


class _Undone(Exception):
    """Ends a unit of work so that it is rolled back."""


def transactional(space: Stores) -> tuple[Kind, ...]:
    """Return the kinds whose stores take part in transactions."""
    opened = opened_backend(space)
    kinds: list[Kind] = []
    for kind in opened.info.at_most:
        live = opened.backend.capabilities(kind)
        if live is not None and Feature.TRANSACTION in live.features:
            kinds.append(kind)
    return tuple(kinds)


def names(kinds: tuple[Kind, ...]) -> list[str]:
    """Return the names of the stores of some kinds."""
    return [STORE_OF[kind] for kind in kinds]


class BackendUnits(BackendTests):
    """Units of work."""

    async def test_undeclared(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """Where `transaction` is not declared a unit is refused, and nothing is changed."""
        undeclared = set(kinds_of(config)) - set(transactional(space))
        if not undeclared:
            not_applicable("every kind declares transaction")
        for kind in undeclared:
            await write(space, kind, "a", 1)
            try:
                async with space.unit_of_work(STORE_OF[kind]) as unit:
                    await write(unit, kind, "a", 2)
            except UnsupportedError:
                assert await read(space, kind, "a") == 1
                note_refused(f"{kind} {Feature.TRANSACTION}")
            else:
                raise AssertionError(f"{kind}: an undeclared unit of work was not refused")

    async def test_commit(self, space: Workspace) -> None:
        """Everything shows together at the end, over all kinds."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        async with space.unit_of_work(*names(kinds)) as unit:
            assert unit.guarantee == "atomic"
            for kind in kinds:
                await write(unit, kind, "a", 1)
                await write(unit, kind, "b", 2)
        for kind in kinds:
            assert await read(space, kind, "a") == 1
            assert await read(space, kind, "b") == 2
            assert await count(space, kind) == 2

    async def test_rollback(self, space: Workspace) -> None:
        """An exception undoes everything, over all kinds, and comes out as it is."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        for kind in kinds:
            await write(space, kind, "old", 1)
        with pytest.raises(_Undone):
            await _change_and_fail(space, kinds)
        for kind in kinds:
            assert await read(space, kind, "old") == 1, kind
            assert await read(space, kind, "new") is None, kind
            assert await count(space, kind) == 1, kind

    async def test_reads_its_own_writes(self, space: Workspace) -> None:
        """Inside, every kind of read sees what the unit wrote and deleted."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        for kind in kinds:
            await write(space, kind, "old", 1)
        async with space.unit_of_work(*names(kinds)) as unit:
            for kind in kinds:
                await write(unit, kind, "new", 2)
                assert await read(unit, kind, "new") == 2
                assert await count(unit, kind) == 2
                await _delete(unit, kind)
                assert await read(unit, kind, "old") is None
                assert await count(unit, kind) == 1
            if "kv" in kinds:
                kv = unit.kv(STORE_OF["kv"])
                assert [entry.key async for entry in kv.scan()] == ["new"]
                assert await kv.put_if_absent("new", 3) is False
            if "doc" in kinds:
                found = await unit.doc(STORE_OF["doc"]).find(F("n") == 2, sort="-n")
                assert [document.id for document in found.items] == ["new"]
            if "vector" in kinds:
                vectors = unit.vector(STORE_OF["vector"])
                hits = await vectors.search(unit_vector(0), filter=F("n") == 2)
                assert [hit.id for hit in hits] == ["new"]
                assert await vectors.delete(filter=F("n") == 7) == 0
            if "graph" in kinds:
                graph = unit.graph(STORE_OF["graph"])
                assert await graph.degrees(["new", "old"]) == [2, 0]

    async def test_isolation(self, space: Workspace) -> None:
        """Nothing shows outside before the end."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        for kind in kinds:
            await write(space, kind, "a", 1)
        async with space.unit_of_work(*names(kinds)) as unit:
            for kind in kinds:
                await write(unit, kind, "a", 2)
                await write(unit, kind, "b", 2)
            for kind in kinds:
                assert await read(space, kind, "a") == 1, kind
                assert await read(space, kind, "b") is None, kind
                assert await count(space, kind) == 1, kind
        for kind in kinds:
            assert await read(space, kind, "a") == 2, kind

    async def test_cancellation_leaves_nothing(self, space: Workspace) -> None:
        """A unit whose task is cancelled, wherever it is, leaves nothing; the client goes on."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        wrote = asyncio.Event()
        for steps in range(6):
            wrote.clear()
            task = asyncio.create_task(_write_much(space, kinds, wrote, linger=steps % 2 == 0))
            await wrote.wait()
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError | _Undone), result
            assert [await count(space, kind) for kind in kinds] == [0] * len(kinds)
        async with space.unit_of_work(*names(kinds)) as unit:
            await write(unit, kinds[0], "a", 1)
        assert await read(space, kinds[0], "a") == 1

    async def test_at_the_same_time_inside(self, space: Workspace) -> None:
        """Calls of one unit may come at the same time."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return
        async with space.unit_of_work(*names(kinds)) as unit:
            await asyncio.gather(
                *(write(unit, kind, f"r{n}", n) for kind in kinds for n in range(10))
            )
            found = await asyncio.gather(
                *(read(unit, kind, f"r{n}") for kind in kinds for n in range(10))
            )
            assert found == [n for _ in kinds for n in range(10)]
        assert [await count(space, kind) for kind in kinds] == [10] * len(kinds)

    async def test_many_units_at_the_same_time(self, space: Workspace) -> None:
        """Units on rows of their own do not disturb one another."""
        kinds = transactional(space)
        if not kinds:
            not_applicable(NO_TRANSACTIONS)
            return

        async def work(number: int) -> None:
            with contextlib.suppress(_Undone):
                async with space.unit_of_work(*names(kinds)) as unit:
                    for kind in kinds:
                        await write(unit, kind, f"r{number}", number)
                    if number % 3 == 0:
                        raise _Undone

        await asyncio.gather(*(work(number) for number in range(30)))
        assert [await count(space, kind) for kind in kinds] == [20] * len(kinds)


async def _delete(stores: Any, kind: Kind) -> None:
    name = STORE_OF[kind]
    if kind == "graph":
        await stores.graph(name).delete_nodes("old", detach=True)
    else:
        await getattr(stores, kind)(name).delete("old")


async def _write_much(
    space: Workspace, kinds: tuple[Kind, ...], wrote: asyncio.Event, *, linger: bool
) -> None:
    async with space.unit_of_work(*names(kinds)) as unit:
        for number in range(20):
            for kind in kinds:
                await write(unit, kind, f"r{number}")
            wrote.set()
        if linger:
            await asyncio.sleep(60)
        raise _Undone


async def _change_and_fail(space: Workspace, kinds: tuple[Kind, ...]) -> None:
    async with space.unit_of_work(*names(kinds)) as unit:
        for kind in kinds:
            await write(unit, kind, "old", 2)
            await write(unit, kind, "new", 2)
            await _delete(unit, kind)
        raise _Undone
