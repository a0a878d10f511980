"""What callers get wrong, or change while a call waits."""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import numpy as np
import pytest

import polystore
from polystore.errors import InvalidFilter, InvalidRecord
from polystore.stores.cursor import encode_cursor, query_signature
from polystore.types.records import Node, VectorRecord
from polystore_memory.doc import MemoryDoc
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterator

    from polystore.types.batches import DocBatch, VectorBatch
    from polystore.types.call import Call

CONFIG: dict[str, Any] = {
    "backends": {"main": {"use": "memory"}},
    "stores": {
        "cache": {"kind": "kv"},
        "docs": {"kind": "doc"},
        "edges": {"kind": "graph"},
        "chunks": {"kind": "vector", "dimensions": 2, "metric": "l2"},
    },
}


class Colour(Enum):
    """An enum of texts."""

    RED = "red"


NO_COUNTS: list[Any] = [0, -1, True, 1.0, 1.5, "1", None, 2**63, math.inf]


@pytest.fixture
async def ps() -> AsyncGenerator[polystore.Polystore]:
    async with polystore.open(CONFIG) as client:
        yield client


async def drained(rows: Any) -> list[Any]:
    return [row async for row in rows]


@pytest.mark.parametrize("count", NO_COUNTS)
async def test_what_counts_rows_is_a_whole_number(ps: polystore.Polystore, count: Any) -> None:
    docs, chunks, edges = ps.doc("docs"), ps.vector("chunks"), ps.graph("edges")
    await ps.kv("cache").put_many({"a": 1, "b": 2, "c": 3})
    await docs.put_many({"a": {}, "b": {}})
    asked: list[Awaitable[Any]] = [
        docs.find(limit=count),
        docs.explain(limit=count),
        drained(docs.scan(batch=count)),
        drained(ps.kv("cache").scan(batch=count)),
        drained(chunks.scan(batch=count)),
        drained(edges.scan_nodes(batch=count)),
        drained(edges.scan_edges(batch=count)),
        chunks.search([1, 2], k=count),
        chunks.search_many([], k=count),
        chunks.search_text("a", k=count),
        chunks.hybrid("a", [1, 2], k=count),
        edges.top_nodes(count),
        edges.find_nodes(limit=count),
        edges.explain(limit=count),
        edges.search_labels("a", limit=count),
        edges.subgraph("a", max_nodes=count),
        edges.shortest_path("a", "b", max_depth=count),
    ]
    if count is not None:
        asked += [chunks.search([1, 2], ef=count), chunks.search([1, 2], probes=count)]
    for call in asked:
        with pytest.raises((InvalidFilter, InvalidRecord)):
            await call


@pytest.mark.parametrize("version", [-1, True, 1.0, "1", None, 2**63, math.nan])
async def test_a_version_is_a_whole_number(ps: polystore.Polystore, version: Any) -> None:
    await ps.doc("docs").put("d", {"n": 1})
    with pytest.raises(InvalidRecord):
        await ps.kv("cache").compare_and_set("k", 1, version)
    with pytest.raises(InvalidRecord):
        await ps.doc("docs").compare_and_set("d", {}, version)
    if version is not None:
        with pytest.raises(InvalidRecord):
            await ps.doc("docs").patch("d", {"n": 2}, version=version)
    assert await ps.doc("docs").get("d") == {"n": 1}


async def test_counts_of_numpy_are_whole_numbers(ps: polystore.Polystore) -> None:
    await ps.doc("docs").put_many({f"d{n}": {} for n in range(5)})
    page = await ps.doc("docs").find(limit=cast("int", np.int64(2)))
    assert [document.id for document in page.items] == ["d0", "d1"]


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, "0s", "soon", "", True, -math.inf])
async def test_a_ttl_is_positive_and_finite(ps: polystore.Polystore, ttl: Any) -> None:
    kv = ps.kv("cache")
    for put in (kv.put("k", 1, ttl=ttl), kv.put_many({"k": 1}, ttl=ttl)):
        with pytest.raises(InvalidRecord):
            await put
    assert await kv.count() == 0


async def test_the_longest_and_the_shortest_ttl(ps: polystore.Polystore) -> None:
    kv = ps.kv("cache")
    await kv.put("long", 1, ttl=1e300)
    await kv.put("short", 1, ttl=1e-300)
    assert await kv.get_many(["long", "short"]) == [1, None]


@pytest.mark.parametrize(
    "vectors",
    [
        [[1, 2], [3]],
        [[[1, 2]]],
        [1, 2],
        [["a", "b"]],
        [[None, 1]],
        [[1e39, 0]],
        [[math.nan, 0]],
        np.array([[1 + 2j, 0]]),
        np.array([["1", "2"]]),
        np.array([[1, 2]], dtype="datetime64[s]"),
        np.array([[1, None]], dtype=object),
        np.array([[1, 2, 3]]),
        5,
        "ab",
    ],
    ids=repr,
)
async def test_what_is_no_matrix_is_refused(ps: polystore.Polystore, vectors: Any) -> None:
    chunks = ps.vector("chunks")
    with pytest.raises(InvalidRecord):
        await chunks.upsert_arrays(["a"], vectors)
    with pytest.raises(InvalidRecord):
        await chunks.search_many(vectors)
    assert await chunks.count() == 0


@pytest.mark.parametrize("vector", [[[1], [1, 2]], None, "ab", [1], 5, [[1, 2]]], ids=repr)
async def test_a_record_without_a_usable_vector_is_named(
    ps: polystore.Polystore, vector: Any
) -> None:
    with pytest.raises(InvalidRecord, match="'bad'"):
        await ps.vector("chunks").upsert([VectorRecord("bad", vector)])


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1, 2], [3, 4]]),
        np.array([[1.0, 3.0], [2.0, 4.0]]).T,
        np.array([[1, 0, 2, 0], [3, 0, 4, 0]], dtype=np.float16)[:, ::2],
        ((1, 2), (3, 4)),
        np.array([[1, 2], [3, 4]], dtype=object),
    ],
    ids=["integers", "transposed", "strided halves", "tuples", "objects"],
)
async def test_every_matrix_of_real_numbers_will_do(ps: polystore.Polystore, matrix: Any) -> None:
    chunks = ps.vector("chunks")
    await chunks.upsert_arrays(["a", "b"], matrix)
    stored = await chunks.get_many(["a", "b"])
    assert [list(cast("Any", record).vector) for record in stored] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("none", [[], (), np.empty((0, 2)), np.empty(0)], ids=repr)
async def test_no_rows_are_no_trouble(ps: polystore.Polystore, none: Any) -> None:
    chunks = ps.vector("chunks")
    await chunks.upsert_arrays([], none)
    assert await chunks.search_many(none) == []
    with pytest.raises(InvalidRecord, match="differ in length"):
        await chunks.upsert_arrays(["a"], none)


async def test_the_largest_count_is_no_trouble(ps: polystore.Polystore) -> None:
    chunks = ps.vector("chunks")
    await chunks.upsert([VectorRecord("a", [1, 2], "text")])
    for hits in (
        await chunks.search([1, 2], k=2**53),
        await chunks.search_text("text", k=2**53),
        await chunks.hybrid("text", [1, 2], k=2**53),
    ):
        assert [hit.id for hit in hits] == ["a"]


@pytest.mark.parametrize(
    "weights", [(math.nan, 1), (1, -1), (math.inf, 1), (0, 0), (1,), (1, 1, 1)], ids=repr
)
async def test_weights_that_rank_nothing_are_refused(ps: polystore.Polystore, weights: Any) -> None:
    with pytest.raises(InvalidRecord, match="weights"):
        await ps.vector("chunks").hybrid("a", [1, 2], weights=weights)


async def test_text_is_not_taken_for_a_list(ps: polystore.Polystore) -> None:
    chunks, edges = ps.vector("chunks"), ps.graph("edges")
    asked: list[Awaitable[Any]] = [
        chunks.upsert_arrays(["a", "b"], [[1, 2], [3, 4]], texts="ab"),
        chunks.upsert_arrays("ab", [[1, 2], [3, 4]]),
        edges.delete_edges(cast("Any", ["abc"])),
        edges.delete_edges(cast("Any", ("a", "t", "b"))),
        edges.get_edges(cast("Any", [("a", "t")])),
        edges.upsert_nodes([Node("n", labels=cast("Any", "Person"))]),
        ps.kv("cache").put_many(cast("Any", "ab")),
        ps.kv("cache").get_many("ab"),
    ]
    for call in asked:
        with pytest.raises(InvalidRecord):
            await call


async def test_a_forged_cursor_is_refused(ps: polystore.Polystore) -> None:
    for id_ in ("a\x00b", "", "x" * 600):
        cursor = encode_cursor(query_signature("docs", None, ()), ((), id_))
        with pytest.raises(InvalidFilter, match="damaged"):
            await ps.doc("docs").find(cursor=cursor)


@pytest.mark.parametrize("consistency", ["", "Session", "linearizable", 1])
async def test_an_unknown_consistency_is_refused(ps: polystore.Polystore, consistency: Any) -> None:
    with pytest.raises(InvalidRecord, match="consistency"):
        ps.kv("cache").with_options(consistency=consistency)


def test_a_field_is_named_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        polystore.DocSpec(name="d", indexes=cast("Any", [["a", "-a"]]))
    with pytest.raises(ValueError, match="twice"):
        polystore.DocSpec(name="d", indexes=cast("Any", [["a.b", '["a","b"]']]))
    with pytest.raises(ValueError, match="twice"):
        polystore.VectorSpec(
            name="v", dimensions=2, fields={"a.b": "string", '["a","b"]': "integer"}
        )


class Keeping:
    """Keeps the batches that a driver is given, as it sees them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.documents: list[tuple[Any, Any]] = []
        self.vectors: list[list[float]] = []
        self.turn = asyncio.Event()
        self.busy = asyncio.Event()
        put_many, upsert = MemoryDoc.put_many, MemoryVector.upsert

        async def keep(driver: MemoryDoc, call: Call, batch: DocBatch) -> None:
            self.busy.set()
            await self.turn.wait()
            self.documents += zip(batch.data, batch.data_json, strict=True)
            await put_many(driver, call, batch)

        async def keep_vectors(driver: MemoryVector, call: Call, batch: VectorBatch) -> None:
            self.busy.set()
            await self.turn.wait()
            self.vectors += [[float(x) for x in row] for row in batch.vectors]
            await upsert(driver, call, batch)

        monkeypatch.setattr(MemoryDoc, "put_many", keep)
        monkeypatch.setattr(MemoryVector, "upsert", keep_vectors)


async def test_one_dict_used_again_for_every_row_gives_each_row_its_own(
    ps: polystore.Polystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Keeping(monkeypatch)
    kept.turn.set()
    row: dict[str, Any] = {}

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for n in range(5):
            row["n"] = n
            yield f"d{n}", row

    await ps.doc("docs").put_many(rows())
    assert [data["n"] for data, _ in kept.documents] == list(range(5))


async def test_what_the_caller_changes_meanwhile_is_not_stored(
    ps: polystore.Polystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Keeping(monkeypatch)
    docs, data = ps.doc("docs"), {"n": 1}
    first = asyncio.create_task(docs.put("first", {}))
    await kept.busy.wait()
    second = asyncio.create_task(docs.put("second", data))
    await asyncio.sleep(0.01)
    data["n"] = 2
    kept.turn.set()
    await asyncio.gather(first, second)
    assert kept.documents[1] == ({"n": 1}, b'{"n":1}')


async def test_an_array_used_again_after_a_timeout_does_not_change_what_was_asked(
    ps: polystore.Polystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Keeping(monkeypatch)
    chunks, vector = ps.vector("chunks"), np.array([[1, 1]], dtype=np.float32)
    first = asyncio.create_task(chunks.upsert_arrays(["a"], [[0, 0]]))
    await kept.busy.wait()
    second = asyncio.create_task(chunks.upsert_arrays(["b"], vector))
    await asyncio.sleep(0.01)
    vector[:] = math.nan
    kept.turn.set()
    await asyncio.gather(first, second)
    assert kept.vectors == [[0, 0], [1, 1]]


async def test_a_patch_is_what_it_was_when_it_was_asked_for(
    ps: polystore.Polystore, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, changes = ps.doc("docs"), {"a": {"b": 1, "gone": None}}
    await docs.put("d", {"a": {"gone": 1}})
    get_document = type(docs).get_document

    async def slowly(self: Any, id: str) -> Any:
        changes["a"]["b"] = 2
        return await get_document(self, id)

    monkeypatch.setattr(type(docs), "get_document", slowly)
    assert (await docs.patch("d", changes)).data == {"a": {"b": 1}}  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_merged_batch_of_metadata_is_an_object(ps: polystore.Polystore) -> None:
    chunks = ps.vector("chunks")
    await chunks.upsert([VectorRecord("a", [1, 2])])
    for patch in ([("x", 1)], "ab", None, 5):
        with pytest.raises(InvalidRecord):
            await chunks.update_metadata({"a": cast("Any", patch)})


async def test_deleting_says_what_is_meant(ps: polystore.Polystore) -> None:
    for store in (ps.doc("docs"), ps.vector("chunks")):
        wrong: list[Any] = [{}, {"ids": "a", "filter": {"x": 1}}, {"filter": {}}]
        for arguments in wrong:
            with pytest.raises(InvalidFilter):
                await store.delete(**arguments)
        assert await store.delete([]) == 0
        with pytest.raises(InvalidRecord):
            await store.delete(cast("Any", ["a", None]))


async def test_of_a_declared_field_counts_what_is_stored() -> None:
    fields = {"s": "string", "i": "integer"}
    chunks = {"kind": "vector", "dimensions": 2, "fields": fields}
    async with polystore.open(CONFIG | {"stores": {"chunks": chunks}}) as ps:
        vectors = ps.vector("chunks")
        for value in (Colour.RED, UUID(int=1)):
            await vectors.upsert([VectorRecord("a", [1, 2], metadata={"s": value})])
            await vectors.update_metadata({"a": {"s": value}})
        others: list[Any] = [5, True, ["x"], {}]
        for value in others:
            with pytest.raises(InvalidRecord, match="declared string"):
                await vectors.upsert([VectorRecord("a", [1, 2], metadata={"s": value})])
        with pytest.raises(InvalidRecord, match="declared integer"):
            await vectors.update_metadata({"a": {"i": Colour.RED}})


@pytest.mark.parametrize("score", [math.nan, True, "1", [1]])
async def test_the_least_score_is_a_number(ps: polystore.Polystore, score: Any) -> None:
    with pytest.raises(InvalidRecord, match="min_score"):
        await ps.vector("chunks").search([1, 2], min_score=score)


@pytest.mark.parametrize("text", [None, 5, b"a", ["a"], "a\x00"])
async def test_what_is_searched_for_is_text(ps: polystore.Polystore, text: Any) -> None:
    chunks, edges = ps.vector("chunks"), ps.graph("edges")
    for call in (
        chunks.search_text(text),
        chunks.hybrid(text, [1, 2]),
        edges.search_labels(text),
        chunks.upsert([VectorRecord("a", [1, 2], cast("Any", text or 5))]),
    ):
        with pytest.raises(InvalidRecord):
            await call
