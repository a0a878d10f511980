"""At every isolation level, whatever came between, no edge lacks its end nodes."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import pytest

from polystore.errors import Conflict
from polystore.specdiff import StoredSpec
from polystore.specs import GraphSpec
from polystore.types.call import Call
from polystore.types.records import EdgeKey, GraphCounts
from polystore_postgres.capabilities import AT_LEAST
from polystore_postgres.graph import PostgresGraph
from polystore_postgres.names import Names

from .test_graph_races import ORPHANS, WAITING, edges, nodes, until_waiting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.types.call import Isolation
    from polystore_postgres.pool import Pool

    from .conftest import MakeGraph, OpenPool

    Action: TypeAlias = "Callable[[PostgresGraph, Call], Awaitable[object]]"

STORED = StoredSpec(GraphSpec(name="g"))
ISOLATIONS: list[Isolation] = ["read committed", "repeatable read", "serializable"]
SNAPSHOTS = ISOLATIONS[1:]
ACTIONS: dict[str, Action] = {
    "create": lambda g, call: g.upsert_edges(
        call, edges(("a", "t", "b"), ("d", "t", "a")), create_missing=True
    ),
    "refuse": lambda g, call: g.upsert_edges(call, edges(("a", "u", "b")), create_missing=False),
    "nodes": lambda g, call: g.upsert_nodes(call, nodes("a", "b", "d")),
    "detach": lambda g, call: g.delete_nodes(call, ["b", "d"], detach=True),
    "detach_all": lambda g, call: g.delete_nodes(call, ["a", "b", "d"], detach=True),
    "delete": lambda g, call: g.delete_nodes(call, ["b", "d"], detach=False),
    "unlink": lambda g, call: g.delete_edges(call, [EdgeKey("a", "t", "b")]),
    "clear": lambda g, call: g.clear(call),
}


def graph_on(pool: Pool) -> PostgresGraph:
    """Return the driver of the graph that `make_graph` made, on another pool."""
    return PostgresGraph(pool, STORED, Names("public"), AT_LEAST["graph"])


@asynccontextmanager
async def unit(pool: Pool, workspace: str, isolation: Isolation) -> AsyncGenerator[Call]:
    """Open a transaction that has its snapshot already, where it keeps one."""
    async with pool.transaction(isolation=isolation) as session:
        await pool.fetchval("SELECT 1", session=session)
        yield Call(workspace, session=session)


async def settled(pool: Pool, work: asyncio.Task[Conflict | None]) -> None:
    """Wait until `work` is done or waits for a lock."""
    for _ in range(5000):
        if work.done() or await pool.fetchval(WAITING):
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it neither ends nor waits")


async def outcome(work: Awaitable[object]) -> Conflict | None:
    try:
        await work
    except Conflict as error:
        return error
    return None


async def prepare(graph: PostgresGraph, call: Call, linked: str) -> None:
    """Store three nodes, and where `linked` an edge between two of them."""
    await graph.upsert_nodes(call, nodes("a", "b", "c"))
    if linked == "linked":
        await graph.upsert_edges(call, edges(("a", "t", "b")), create_missing=False)


async def interleave(
    graph: PostgresGraph,
    pool: Pool,
    workspace: str,
    isolation: tuple[Isolation, Isolation],
    actions: tuple[Action, Action],
    *,
    waiting: bool,
) -> Conflict | None:
    """Run two units; the first takes its snapshot, the second writes, the first writes.

    Args:
        graph: The store.
        pool: Its pool.
        workspace: The tenant.
        isolation: Of the first and of the second.
        actions: What they do.
        waiting: The second commits when the first has begun to write, and not before.
    """
    first, second = actions

    async def whole() -> None:
        async with unit(pool, workspace, isolation[0]) as inside:
            began.set()
            await go.wait()
            await first(graph, inside)

    async def between() -> None:
        async with unit(pool, workspace, isolation[1]) as inside:
            await second(graph, inside)
            if waiting:
                go.set()
                await settled(pool, work)

    began, go = asyncio.Event(), asyncio.Event()
    work = asyncio.ensure_future(outcome(whole()))
    await began.wait()
    refused = await outcome(between())
    # What the second asks may be impossible from the start, such as deleting a linked node.
    # Of two serializable ones the server may choose either to give way.
    both = set(isolation) == {"serializable"}
    assert refused is None or both or not refused.retryable
    go.set()
    return await work


@pytest.mark.parametrize("second", ISOLATIONS)
@pytest.mark.parametrize("first", ISOLATIONS)
async def test_every_pair(
    make_graph: MakeGraph, pool: Pool, first: Isolation, second: Isolation
) -> None:
    graph = await make_graph()
    cases = itertools.product(ACTIONS, ACTIONS, ("linked", "apart"), (False, True))
    for mine, other, linked, waiting in cases:
        workspace = f"{mine} {other} {linked} {waiting}"
        call = Call(workspace)
        await prepare(graph, call, linked)
        async with asyncio.timeout(20):
            error = await interleave(
                graph,
                pool,
                workspace,
                (first, second),
                (ACTIONS[mine], ACTIONS[other]),
                waiting=waiting,
            )
        assert await pool.fetchval(ORPHANS) == 0, workspace
        if error is None or not error.retryable:
            continue
        # Only who keeps a snapshot can come too late, and only once.
        assert first != "read committed", (workspace, error)
        again = await outcome(ACTIONS[mine](graph, call))
        assert again is None or not again.retryable, workspace
        assert await pool.fetchval(ORPHANS) == 0, workspace


TOO_LATE = [
    ("create", "detach"),
    ("refuse", "detach"),
    ("create", "clear"),
    ("refuse", "clear"),
    ("detach", "create"),
    ("detach", "refuse"),
    ("detach_all", "create"),
    ("clear", "create"),
    ("clear", "refuse"),
    ("create", "nodes"),
]


@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_who_came_too_late_is_told(
    make_graph: MakeGraph, pool: Pool, isolation: Isolation
) -> None:
    """What the other one committed stays, and of the late one nothing does."""
    graph = await make_graph()
    cases = itertools.product(TOO_LATE, ("linked", "apart"), (False, True))
    for (mine, other), linked, waiting in cases:
        workspace = f"{mine} {other} {linked} {waiting}"
        alone = Call(f"{workspace} alone")
        await prepare(graph, Call(workspace), linked)
        await prepare(graph, alone, linked)
        await ACTIONS[other](graph, alone)
        actions = ACTIONS[mine], ACTIONS[other]
        levels: tuple[Isolation, Isolation] = (isolation, "read committed")
        error = await interleave(graph, pool, workspace, levels, actions, waiting=waiting)
        assert error is not None, workspace
        assert error.retryable, workspace
        assert await graph.counts(Call(workspace)) == await graph.counts(alone), workspace


@pytest.mark.parametrize("isolation", SNAPSHOTS)
@pytest.mark.parametrize("action", ["delete", "detach", "clear", "create"])
async def test_a_conflict_that_is_passed_over_stores_nothing(
    make_graph: MakeGraph, pool: Pool, isolation: Isolation, action: str
) -> None:
    graph = await make_graph()
    call = Call("acme")
    await prepare(graph, call, "apart")
    other = ACTIONS["detach" if action == "create" else "refuse"]

    async def careless() -> None:
        async with unit(pool, "acme", isolation) as inside:
            await other(graph, call)
            error = await outcome(ACTIONS[action](graph, inside))
            assert error is not None
            assert error.retryable

    with pytest.raises(Conflict, match="nothing of it was kept"):
        await careless()
    expected = GraphCounts(2, 0) if action == "create" else GraphCounts(3, 1)
    assert await graph.counts(call) == expected


@pytest.mark.parametrize("isolation", ISOLATIONS)
async def test_a_units_own_edges_are_no_surprise(
    make_graph: MakeGraph, pool: Pool, isolation: Isolation
) -> None:
    """Deleted, replaced and new ones; nodes of its own; and again after all that."""
    graph = await make_graph()
    call = Call("acme")
    old = [("a", "t", f"n{n}") for n in range(50)] + [("n1", "t", "a"), ("a", "t", "a")]
    await graph.upsert_edges(call, edges(*old, ("x", "t", "y")), create_missing=True)
    async with unit(pool, "acme", isolation) as inside:
        await graph.delete_edges(inside, [EdgeKey(*key) for key in old[:20]])
        await graph.upsert_edges(inside, edges(*old[10:30]), create_missing=True)
        await graph.upsert_edges(inside, edges(("new", "t", "a")), create_missing=True)
        await graph.delete_edges(inside, [EdgeKey(*key) for key in old[10:15]])
        assert await graph.delete_nodes(inside, ["a", "new", "absent"], detach=True) == 2
        await graph.upsert_edges(inside, edges(("a", "t", "n1")), create_missing=True)
        assert await graph.delete_nodes(inside, ["a"], detach=True) == 1
        assert await graph.delete_nodes(inside, ["n2"], detach=False) == 1
    assert await graph.counts(call) == GraphCounts(51, 1)
    async with unit(pool, "acme", isolation) as inside:
        await graph.upsert_edges(inside, edges(("x", "u", "y")), create_missing=False)
        assert await graph.clear(inside) == 53
        await graph.upsert_edges(inside, edges(("x", "v", "y")), create_missing=True)
    assert await graph.counts(call) == GraphCounts(2, 1)
    assert await pool.fetchval(ORPHANS) == 0


@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_edges_elsewhere_are_no_conflict(
    make_graph: MakeGraph, pool: Pool, isolation: Isolation
) -> None:
    """Others may link other nodes, change properties of ours, and use other workspaces."""
    graph = await make_graph()
    call = Call("acme")
    await prepare(graph, call, "apart")
    async with unit(pool, "acme", isolation) as inside:
        await graph.upsert_edges(call, edges(("a", "t", "c")), create_missing=False)
        await graph.upsert_edges(Call("other"), edges(("a", "t", "b")), create_missing=True)
        assert await graph.delete_nodes(inside, ["b"], detach=True) == 1
    async with unit(pool, "acme", isolation) as inside:
        await graph.upsert_nodes(call, nodes("a", "c"))
        await graph.upsert_edges(inside, edges(("c", "t", "a")), create_missing=True)
        await graph.clear(Call("other"))
    assert await graph.counts(call) == GraphCounts(2, 2)


async def test_deletes_need_no_connection_that_others_hold(
    make_graph: MakeGraph, open_pool: OpenPool
) -> None:
    """Units that hold all connections of the pool, and each need to look from outside."""
    await make_graph()
    async with open_pool(pool={"min": 0, "max": 2, "acquire_timeout": 5}) as pool:
        graph = graph_on(pool)
        await graph.upsert_nodes(Call("acme"), nodes("a", "b"))
        both = asyncio.Barrier(2)

        async def one(id_: str) -> None:
            async with unit(pool, "acme", "repeatable read") as inside:
                await both.wait()
                assert await graph.delete_nodes(inside, [id_], detach=True) == 1
                await both.wait()

        await asyncio.gather(one("a"), one("b"))
        assert pool.stats().size <= 2
        assert await graph.counts(Call("acme")) == GraphCounts(0, 0)


async def act(graph: PostgresGraph, call: Call, dice: random.Random) -> None:
    ids = [f"n{n}" for n in range(10)]
    keys = sorted({(dice.choice(ids), "t", dice.choice(ids)) for _ in range(dice.randint(1, 3))})
    action = dice.random()
    if action < 0.45:
        await graph.upsert_edges(call, edges(*keys), create_missing=action < 0.3)
    elif action < 0.55:
        await graph.upsert_nodes(call, nodes(*dice.sample(ids, 3)))
    elif action < 0.6:
        await graph.delete_edges(call, [EdgeKey(*key) for key in keys])
    elif action < 0.61:
        await graph.clear(call)
    else:
        await graph.delete_nodes(call, dice.sample(ids, 2), detach=action < 0.95)


async def test_units_of_every_level_at_once(make_graph: MakeGraph, open_pool: OpenPool) -> None:
    """Looked at after every unit, as later deletes would tidy up behind earlier faults."""
    await make_graph()
    done = dict.fromkeys(ISOLATIONS, 0)

    async def writer(graph: PostgresGraph, pool: Pool, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  no secret
        for _ in range(120):
            isolation = dice.choice(ISOLATIONS)
            try:
                async with unit(pool, "acme", isolation) as inside:
                    for _ in range(dice.choice((1, 1, 2))):
                        await asyncio.sleep(dice.random() * 0.005)
                        await act(graph, inside, dice)
            except Conflict:
                continue
            done[isolation] += 1
            assert await pool.fetchval(ORPHANS) == 0

    settings = {"deadlock_timeout": "20ms"}
    async with open_pool(pool={"min": 0, "max": 8}, server_settings=settings) as pool:
        graph = graph_on(pool)
        async with asyncio.timeout(120):
            await asyncio.gather(*(writer(graph, pool, seed) for seed in range(7)))
        assert await pool.fetchval(ORPHANS) == 0
    assert all(done.values()), done


async def test_a_delete_waits_and_then_sees(make_graph: MakeGraph, pool: Pool) -> None:
    """At read committed nobody comes too late: whoever waited sees what the other stored."""
    graph = await make_graph()
    await prepare(graph, Call("acme"), "apart")
    async with unit(pool, "acme", "serializable") as inside:
        await graph.upsert_edges(inside, edges(("a", "t", "b")), create_missing=False)
        work = asyncio.ensure_future(graph.delete_nodes(Call("acme"), ["b"], detach=True))
        await until_waiting(pool)
    assert await work == 1
    assert await graph.counts(Call("acme")) == GraphCounts(2, 0)
