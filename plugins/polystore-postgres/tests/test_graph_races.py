"""Whatever happens at once, no edge lacks its end nodes, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import Conflict
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.call import Call
from polystore.types.records import EdgeKey, GraphCounts
from polystore_postgres.graph_locks import lock_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore_postgres.graph import PostgresGraph
    from polystore_postgres.pool import Pool

    MakeGraph = Callable[..., Awaitable[PostgresGraph]]

CALL = Call("acme")
ORPHANS = """
SELECT count(*) FROM edge_g AS e
WHERE NOT EXISTS (SELECT FROM node_g AS n WHERE n.workspace = e.workspace AND n.id = e.source)
    OR NOT EXISTS (SELECT FROM node_g AS n WHERE n.workspace = e.workspace AND n.id = e.target)
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def nodes(*ids: str) -> NodeBatch:
    rows = len(ids)
    return NodeBatch(list(ids), [()] * rows, [dict[str, Any]()] * rows, [b"{}"] * rows)


def edges(*keys: tuple[str, str, str]) -> EdgeBatch:
    rows = len(keys)
    return EdgeBatch([EdgeKey(*key) for key in keys], [dict[str, Any]()] * rows, [b"{}"] * rows)


async def until_waiting(pool: Pool, waiters: int = 1) -> None:
    for _ in range(1000):
        if await pool.fetchval(WAITING) >= waiters:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


@pytest.mark.parametrize("create", [True, False])
async def test_a_delete_waits_for_an_edge_in_the_making(
    make_graph: MakeGraph, pool: Pool, create: bool
) -> None:
    graph = await make_graph()
    await graph.upsert_nodes(CALL, nodes("a", "b"))
    async with pool.transaction() as session:
        inside = Call("acme", session=session)
        await graph.upsert_edges(inside, edges(("a", "t", "b")), create_missing=create)
        detached = asyncio.ensure_future(graph.delete_nodes(CALL, ["b"], detach=True))
        refused = asyncio.ensure_future(graph.delete_nodes(CALL, ["a"], detach=False))
        await until_waiting(pool, 2)
    assert await detached == 1
    await asyncio.gather(refused, return_exceptions=True)
    assert await pool.fetchval(ORPHANS) == 0
    assert (await graph.counts(CALL)).edges == 0


@pytest.mark.parametrize("create", [True, False])
async def test_an_edge_waits_for_a_delete_in_the_making(
    make_graph: MakeGraph, pool: Pool, create: bool
) -> None:
    graph = await make_graph()
    await graph.upsert_nodes(CALL, nodes("a", "b"))
    async with pool.transaction() as session:
        await graph.delete_nodes(Call("acme", session=session), ["b"], detach=False)
        work = asyncio.ensure_future(
            graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=create)
        )
        await until_waiting(pool)
    if create:
        await work
        assert await graph.counts(CALL) == GraphCounts(2, 1)
    else:
        with pytest.raises(Conflict, match="'b'"):
            await work
        assert await graph.counts(CALL) == GraphCounts(1, 0)
    assert await pool.fetchval(ORPHANS) == 0


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
async def test_nodes_created_by_two_at_once(make_graph: MakeGraph, pool: Pool, end: str) -> None:
    graph = await make_graph()
    async with pool.transaction() as session:
        await graph.upsert_nodes(Call("acme", session=session), nodes("a", "b"))
        work = asyncio.ensure_future(
            graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=True)
        )
        await until_waiting(pool)
        async with pool.acquire(session) as connection:
            await connection.execute(f"{end} AND CHAIN")
    await work
    assert await graph.counts(CALL) == GraphCounts(2, 1)
    assert await pool.fetchval(ORPHANS) == 0


async def test_workspaces_do_not_wait_for_one_another(make_graph: MakeGraph, pool: Pool) -> None:
    graph = await make_graph()
    await graph.upsert_nodes(CALL, nodes("a", "b"))
    async with pool.transaction() as session:
        await graph.clear(Call("acme", session=session))
        async with asyncio.timeout(10):
            await graph.upsert_edges(Call("other"), edges(("a", "t", "b")), create_missing=True)
            await graph.upsert_nodes(CALL, nodes("c"))
            await graph.edges_of(CALL, ["a"], "both", None)
    assert await graph.counts(CALL) == GraphCounts(1, 0)


async def test_units_that_wait_for_each_other_are_told(make_graph: MakeGraph, pool: Pool) -> None:
    graph = await make_graph()
    await graph.upsert_nodes(CALL, nodes("a", "b"))
    both = asyncio.Barrier(2)

    async def unit(type_: str) -> None:
        async with pool.transaction() as session:
            inside = Call("acme", session=session)
            await graph.upsert_edges(inside, edges(("a", type_, "b")), create_missing=False)
            async with asyncio.timeout(10):
                await both.wait()
            await graph.delete_nodes(inside, ["a"], detach=True)

    done = await asyncio.gather(unit("t"), unit("u"), return_exceptions=True)
    errors = [error for error in done if error is not None]
    assert len(errors) == 1
    assert isinstance(errors[0], Conflict)
    assert errors[0].retryable
    assert await graph.counts(CALL) == GraphCounts(1, 0)


async def act(graph: PostgresGraph, dice: random.Random, ids: list[str]) -> None:
    keys = {(dice.choice(ids), "t", dice.choice(ids)) for _ in range(dice.randint(1, 12))}
    shuffled = dice.sample(sorted(keys), len(keys))
    action = dice.random()
    if action < 0.5:
        await graph.upsert_edges(CALL, edges(*shuffled), create_missing=True)
    elif action < 0.6:
        await graph.upsert_nodes(CALL, nodes(*dice.sample(ids, 5)))
    elif action < 0.7:
        await graph.delete_edges(CALL, [EdgeKey(*key) for key in shuffled])
    elif action < 0.71:
        await graph.clear(CALL)
    else:
        await graph.delete_nodes(CALL, dice.sample(ids, 3), detach=True)


async def test_a_delete_finds_edges_that_were_replaced_while_it_waited(
    make_graph: MakeGraph, pool: Pool
) -> None:
    graph = await make_graph()
    keys = [EdgeKey(f"n{n}", "t", "x") for n in range(50)]
    await graph.upsert_edges(CALL, edges(*keys), create_missing=True)
    async with pool.transaction() as session:
        inside = Call("acme", session=session)
        await graph.upsert_edges(inside, edges(*keys[::2]), create_missing=True)
        deleted = asyncio.ensure_future(graph.delete_edges(CALL, keys))
        await until_waiting(pool)
    assert await deleted == 50
    assert (await graph.counts(CALL)).edges == 0


async def test_nodes_are_cleared_in_order_of_id(make_graph: MakeGraph, pool: Pool) -> None:
    """As they are written, or two wait in a circle."""
    graph = await make_graph()
    ids = [f"n{n:03}" for n in range(50)]
    for id_ in reversed(ids):
        await graph.upsert_nodes(CALL, nodes(id_))
    async with pool.transaction() as session:
        await graph.upsert_nodes(Call("acme", session=session), nodes(ids[0]))
        cleared = asyncio.ensure_future(graph.clear(CALL))
        await until_waiting(pool)
        last = "SELECT FROM node_g WHERE id = $1 FOR UPDATE NOWAIT"
        assert len(await pool.fetch(last, ids[-1])) == 1
    assert await cleared == len(ids)


@pytest.mark.parametrize("join", ["hashjoin", "nestloop", "mergejoin"])
async def test_edges_are_locked_for_deletion_in_order_of_key(
    make_graph: MakeGraph, pool: Pool, join: str
) -> None:
    """Whichever join the server takes, and however the rows lie: else two wait in a circle."""
    graph = await make_graph()
    name: str = await pool.fetchval("SELECT quote_ident(current_database())")
    scans = {"indexscan", "bitmapscan", "indexonlyscan"} if join != "nestloop" else set[str]()
    for other in ({"hashjoin", "nestloop", "mergejoin"} - {join}) | scans:
        await pool.execute(f"ALTER DATABASE {name} SET enable_{other} = off")
    every = [EdgeKey(f"n{n:03}", "t", "x") for n in range(200)]
    for key in reversed(every):
        await graph.upsert_edges(CALL, edges(key), create_missing=True)
    keys = every[:40]
    await pool.execute("ANALYZE edge_g")
    await pool.refresh()
    async with pool.transaction() as session:
        await graph.upsert_edges(Call("acme", session=session), edges(keys[0]), create_missing=True)
        deleted = asyncio.ensure_future(graph.delete_edges(CALL, keys))
        await until_waiting(pool)
        last = "SELECT FROM edge_g WHERE source = $1 FOR UPDATE NOWAIT"
        assert len(await pool.fetch(last, keys[-1].source)) == 1
    assert await deleted == len(keys)


async def test_everything_at_once(make_graph: MakeGraph, pool: Pool) -> None:
    graph = await make_graph()
    ids = [f"n{n}" for n in range(12)]

    async def writer(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  no secret
        for _ in range(60):
            await act(graph, dice, ids)

    async def watcher() -> None:
        while True:
            assert await pool.fetchval(ORPHANS) == 0
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watcher())
    async with asyncio.timeout(120):
        await asyncio.gather(*(writer(seed) for seed in range(8)))
    assert not watching.done()
    watching.cancel()
    assert await pool.fetchval(ORPHANS) == 0


async def test_overlapping_batches_of_edges(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    keys = [(f"n{a}", "t", f"n{b}") for a in range(20) for b in range(20)]

    async def writer(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  no secret
        for _ in range(5):
            await graph.upsert_edges(CALL, edges(*dice.sample(keys, 300)), create_missing=True)

    async with asyncio.timeout(120):
        await asyncio.gather(*(writer(seed) for seed in range(8)))
    assert (await graph.counts(CALL)).nodes == 20


def test_locks_of_few_nodes_are_among_those_of_all() -> None:
    for workspace in ("a", "b", "é" * 128):
        everything = lock_keys("t", workspace, None)
        assert everything == sorted(everything)
        assert everything == lock_keys("t", workspace, [f"n{n}" for n in range(1000)])
        for id_ in ("a", "🙂", "n" * 512):
            assert set(lock_keys("t", workspace, [id_])) < set(everything)
        assert all(-(2**63) <= key < 2**63 for key in everything)
    assert not set(lock_keys("t", "a", None)) & set(lock_keys("t", "b", None))
    assert not set(lock_keys("t", "a", None)) & set(lock_keys("u", "a", None))
