"""Writes and reads of the graph driver, with values that hurt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import Conflict
from polystore.filters import F
from polystore.specs import GraphSpec
from polystore.stores.queries import FindQuery
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.call import Call
from polystore.types.json_domain import encode_json
from polystore.types.records import Edge, EdgeKey, GraphCounts, Node
from polystore_postgres.graph import PostgresGraph

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore_postgres.pool import Pool

    MakeGraph = Callable[..., Awaitable[PostgresGraph]]

CALL = Call("acme")
NAMES = [
    "a",
    "A",
    "a'b",
    'a"b',
    "a\\b",
    "{a,b}",
    "NULL",
    "%",
    "_",
    "a\x01b",
    "$1",
    "--",
    "a\nb",
    " ",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "שלום",
    "🙂",
    "\U0010ffff",
    "ü" * 256,
    "'; DROP TABLE node_g; --",
]


def nodes(*items: Node) -> NodeBatch:
    return NodeBatch(
        [node.id for node in items],
        [tuple(sorted(set(node.labels))) for node in items],
        [node.properties for node in items],
        [encode_json(node.properties) for node in items],
    )


def edges(*keys: tuple[str, str, str], **properties: Any) -> EdgeBatch:
    text = encode_json(properties)
    return EdgeBatch([EdgeKey(*key) for key in keys], [properties] * len(keys), [text] * len(keys))


async def until_waiting(pool: Pool) -> None:
    for _ in range(1000):
        if await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


async def keys_of(graph: PostgresGraph, call: Call = CALL) -> list[EdgeKey]:
    return [edge.key for edge in (await graph.scan_edges(call, None, 10_000)).items]


async def test_nodes_come_back_as_they_went_in(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    given = [Node(name, tuple(sorted(NAMES[:n])), {"name": name}) for n, name in enumerate(NAMES)]
    await graph.upsert_nodes(CALL, nodes(*given))
    found = await graph.get_nodes(CALL, [*NAMES, "absent"])
    assert found[-1] is None
    assert [(n.id, n.labels, n.properties) for n in found if n] == [
        (n.id, n.labels, n.properties) for n in given
    ]
    assert [n.id for n in await graph.find_nodes(CALL, FindQuery(None, (), 100))] == sorted(NAMES)
    assert await graph.get_nodes(Call("other"), NAMES) == [None] * len(NAMES)


async def test_edges_come_back_as_they_went_in(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    keys = [(a, b, c) for a, b, c in zip(NAMES, NAMES[1:], NAMES[2:], strict=False)]
    await graph.upsert_edges(CALL, edges(*keys, w=1.5), create_missing=True)
    found = await graph.get_edges(CALL, [*map(EdgeKey._make, keys), EdgeKey("a", "a", "a")])
    assert found[-1] is None
    assert [(edge.key, edge.properties) for edge in found if edge] == [
        (EdgeKey(*key), {"w": 1.5}) for key in keys
    ]
    ends = {end for source, _, target in keys for end in (source, target)}
    assert await graph.counts(CALL) == GraphCounts(len(ends), len(keys))
    assert await graph.counts(Call("other")) == GraphCounts(0, 0)


async def test_system_fields(make_graph: MakeGraph) -> None:
    graph = await make_graph()

    async def write(round_: int) -> tuple[Node | None, Edge | None]:
        await graph.upsert_nodes(CALL, nodes(Node("a", ("L",), {"round": round_})))
        await graph.upsert_edges(CALL, edges(("a", "t", "b"), round=round_), create_missing=True)
        [node] = await graph.get_nodes(CALL, ["a"])
        [edge] = await graph.get_edges(CALL, [EdgeKey("a", "t", "b")])
        return node, edge

    old_node, old_edge = await write(0)
    node, edge = await write(1)
    for old, new in ((old_node, node), (old_edge, edge)):
        assert old is not None
        assert new is not None
        assert new.properties == {"round": 1}
        assert 0 < old.version < new.version < 2**53
        assert old.created_at == new.created_at
        assert old.updated_at is not None
        assert new.updated_at is not None
        assert old.updated_at < new.updated_at
        assert new.updated_at.utcoffset() is not None
    await graph.delete_edges(CALL, [EdgeKey("a", "t", "b")])
    await graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=True)
    [again] = await graph.get_edges(CALL, [EdgeKey("a", "t", "b")])
    assert again is not None
    assert edge is not None
    assert again.version > edge.version


async def test_numbers_are_exact(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    numbers = [2.0**60, 2**63 - 1, -(2**63), 1e16, 1e300, 5e-324, 0.1, 1.0, 0]
    await graph.upsert_nodes(
        CALL, nodes(Node("a", (), {"n": numbers}), Node("b", (), {"n": 2.0**60}))
    )
    await graph.upsert_edges(CALL, edges(("a", "t", "b"), n=numbers), create_missing=False)
    [node] = await graph.get_nodes(CALL, ["a"])
    [edge] = await graph.get_edges(CALL, [EdgeKey("a", "t", "b")])
    assert node is not None
    assert edge is not None
    assert node.properties == edge.properties == {"n": numbers}
    found = await graph.find_nodes(CALL, FindQuery(F("n") == 2**60, (), 10))
    assert [node.id for node in found] == ["b"]


@pytest.mark.parametrize("schema", ['Odd "schema"', "/* keys */", "$x$ __NODE__ %s \\ '"])
async def test_any_name_of_a_schema(postgres_dsn: str, schema: str) -> None:
    async with opened_backend(postgres_dsn, namespace=schema) as backend:
        graph = await create_store(backend, GraphSpec(name="g", indexes=(("kind",),)))
        assert isinstance(graph, PostgresGraph)
        await graph.upsert_nodes(CALL, nodes(Node("a", ("L",), {"kind": 1})))
        await graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=True)
        assert await graph.counts(CALL) == GraphCounts(2, 1)
        assert await graph.size_bytes(CALL)
        found = await graph.find_nodes(CALL, FindQuery(F("kind") == 1, (), 10))
        assert [node.id for node in found] == ["a"]


async def test_creating_ends_never_overwrites(make_graph: MakeGraph) -> None:
    graph = await make_graph(indexes=("kind", ["year", "-meta:created_at"]))
    await graph.upsert_nodes(CALL, nodes(Node("a", ("L",), {"kind": "x"})))
    [before] = await graph.get_nodes(CALL, ["a"])
    await graph.upsert_edges(
        CALL, edges(("a", "t", "b"), ("b", "t", "a"), ("c", "t", "c")), create_missing=True
    )
    a, b, c = await graph.get_nodes(CALL, ["a", "b", "c"])
    assert a == before
    assert b is not None
    assert c is not None
    assert (b.labels, b.properties) == ((), {})
    missing = FindQuery(~F("kind").exists(), (), 10)
    assert [node.id for node in await graph.find_nodes(CALL, missing)] == ["b", "c"]


async def test_refused_edges_leave_nothing(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    await graph.upsert_nodes(CALL, nodes(Node("a"), Node("b")))
    await graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=False)
    with pytest.raises(Conflict, match="'m0', 'm1', 'm2', 'm3', 'm4' and 5 more"):
        await graph.upsert_edges(
            CALL,
            edges(("b", "t", "a"), *(("a", "t", f"m{n}") for n in range(10))),
            create_missing=False,
        )
    assert await graph.counts(CALL) == GraphCounts(2, 1)
    await graph.upsert_nodes(Call("other"), nodes(Node("z")))
    with pytest.raises(Conflict, match="'z'"):
        await graph.upsert_edges(CALL, edges(("a", "t", "z")), create_missing=False)


async def test_deleting_nodes(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    keys = [("a", "t", "b"), ("b", "t", "c"), ("c", "t", "c"), ("d", "t", "e")]
    for call in (CALL, Call("other")):
        await graph.upsert_edges(call, edges(*keys), create_missing=True)
        await graph.upsert_nodes(call, nodes(Node("lone")))
    for held in ("a", "b", "c", "e"):
        with pytest.raises(Conflict, match=repr(held)):
            await graph.delete_nodes(CALL, ["lone", held], detach=False)
    assert await graph.counts(CALL) == GraphCounts(6, 4)
    assert await graph.delete_nodes(CALL, ["lone", "absent"], detach=False) == 1
    assert await graph.delete_nodes(CALL, ["c", "absent"], detach=True) == 1
    assert await keys_of(graph) == [EdgeKey("a", "t", "b"), EdgeKey("d", "t", "e")]
    assert await graph.delete_edges(CALL, [EdgeKey(*key) for key in keys]) == 2
    assert await graph.delete_nodes(CALL, ["a", "b"], detach=False) == 2
    assert await graph.counts(Call("other")) == GraphCounts(6, 4)
    assert await graph.clear(Call("other")) == 10
    assert await graph.counts(Call("other")) == GraphCounts(0, 0)
    assert await graph.counts(CALL) == GraphCounts(2, 0)


async def test_filters_and_pages(make_graph: MakeGraph) -> None:
    graph = await make_graph(indexes=("year",))
    given = [
        Node(f"n{i:02}", ("Even",) if i % 2 == 0 else ("Odd", "L"), {"year": 2000 + i})
        for i in range(20)
    ]
    await graph.upsert_nodes(CALL, nodes(*given))
    wanted = (F("year") >= 2005) & F.meta("labels").contains("Even")
    expected = [f"n{i:02}" for i in range(6, 20, 2)]
    found: list[str] = []
    after: tuple[tuple[bytes, ...], str] | None = None
    while page := await graph.find_nodes(CALL, FindQuery(wanted, (), 3, after)):
        found += [node.id for node in page]
        after = ((), found[-1])
    assert found == expected
    assert await graph.count_nodes(CALL, wanted) == len(expected)
    assert await graph.count_nodes(CALL, None) == await graph.count(CALL) == 20
    skipped = await graph.find_nodes(CALL, FindQuery(wanted, (), 3, None, 2))
    assert [node.id for node in skipped] == expected[2:5]


async def test_scanning_edges_page_by_page(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    keys = [EdgeKey(a, t, b) for a in NAMES[:6] for t in NAMES[3:6] for b in NAMES[:4]]
    await graph.upsert_edges(CALL, edges(*keys), create_missing=True)
    for limit in (1, 7, len(keys), len(keys) + 1):
        found: list[Edge] = []
        cursor = None
        while True:
            page = await graph.scan_edges(CALL, cursor, limit)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        assert [edge.key for edge in found] == sorted(keys)


async def test_a_failed_statement_and_a_cancelled_one_leave_nothing(
    make_graph: MakeGraph, pool: Pool
) -> None:
    graph = await make_graph()
    await graph.upsert_edges(CALL, edges(("a", "t", "b")), create_missing=True)
    batch = edges(*((f"s{n}", "t", f"e{n}") for n in range(500)))
    async with pool.transaction() as session, pool.acquire(session) as blocker:
        # Somebody holds a row that the batch has to wait for, in the middle of it.
        await blocker.execute(
            "INSERT INTO node_g (workspace, id, folded, labels, properties, version, "
            "created_at, updated_at) VALUES ('acme', 's250', 's250', '{}', '{}', 1, now(), now())"
        )
        work = asyncio.ensure_future(graph.upsert_edges(CALL, batch, create_missing=True))
        await until_waiting(pool)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert await graph.counts(CALL) == GraphCounts(3, 1)
    await graph.upsert_edges(CALL, batch, create_missing=True)
    assert await graph.counts(CALL) == GraphCounts(1002, 501)


async def test_a_unit_reads_its_own_writes_and_rolls_back(
    make_graph: MakeGraph, pool: Pool
) -> None:
    graph = await make_graph()

    async def unit() -> None:
        async with pool.transaction() as session:
            inside = Call("acme", session=session)
            writes = (edges((f"a{n}", "t", "b")) for n in range(5))
            await asyncio.gather(
                *(graph.upsert_edges(inside, batch, create_missing=True) for batch in writes)
            )
            assert await graph.counts(inside) == GraphCounts(6, 5)
            assert await graph.degrees(inside, ["b"], "in") == [5]
            with pytest.raises(Conflict):
                await graph.delete_nodes(inside, ["b"], detach=False)
            assert await graph.delete_nodes(inside, ["b"], detach=True) == 1
            assert await graph.counts(inside) == GraphCounts(5, 0)
            assert await graph.counts(CALL) == GraphCounts(0, 0)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await unit()
    assert await graph.counts(CALL) == GraphCounts(0, 0)


async def test_size_grows_with_what_is_stored(make_graph: MakeGraph) -> None:
    graph = await make_graph()
    assert await graph.size_bytes(CALL) == 0
    await graph.upsert_nodes(CALL, nodes(*(Node(f"n{i}", (), {"x": "y" * 90}) for i in range(99))))
    size = await graph.size_bytes(CALL)
    assert size is not None
    assert size > 99 * 90
