"""Searches, with their recall measured against all vectors compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.context import CALLERS, INDEX, in_turns, packed
from bench.data import exact_nearest
from bench.measure import Case, per_row
from polystore import F
from polystore.bench.records import DIMENSIONS, clustered, vector_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from asyncpg.prepared_stmt import PreparedStatement

    from bench.context import Bench, Connection, Row
    from polystore import Filter, Hits, VectorStore
    from polystore.bench.records import Vectors

    Search: TypeAlias = Callable[[int], Awaitable[Sequence[Any]]]

K = 10
RERANKED = 150
"""Of the nearest by bits, so many are compared in full, on both sides."""
_GOOD_RECALL = 0.99
_MANY = 100
_COLUMNS = "id, metadata, embedding <=> $1 AS distance"
_ITERATIVE = (
    f"SELECT {_COLUMNS} FROM bare.corpus WHERE {{column}} = 3 ORDER BY embedding <=> $1 LIMIT {K}"
)
_EXACT = (
    f"WITH few AS MATERIALIZED (SELECT {_COLUMNS} FROM bare.corpus WHERE {{column}} = 3) "
    f"SELECT * FROM few ORDER BY distance LIMIT {K}"
)


@dataclass(frozen=True, slots=True)
class Queries:
    """What is searched for.

    Attributes:
        vectors: One query per row.
        wire: The same, as the driver takes them.
        truth: For each the ids of its nearest rows among all that match.
    """

    vectors: Vectors
    wire: list[bytes]
    truth: list[set[str]]

    @classmethod
    def of(cls, corpus: Vectors, rows: Sequence[int], count: int) -> Queries:
        """Return `count` queries over those `rows` of the corpus that match."""
        vectors = clustered(count, seed=3)
        nearest = exact_nearest(corpus[list(rows)], vectors, K)
        truth = [{vector_id(rows[position]) for position in found} for found in nearest]
        return cls(vectors, packed(vectors), truth)

    async def recall(self, search: Search) -> float:
        """Return which part of the true answers `search` finds, over all queries."""
        found = 0
        for number, wanted in enumerate(self.truth):
            found += len(wanted & {row["id"] for row in await search(number)})
        return found / (K * len(self.truth))


async def searches(
    bench: Bench, store: VectorStore, corpus: Vectors, metadata: Sequence[dict[str, Any]]
) -> AsyncGenerator[Case]:
    """Yield searches without a filter at 1 and several callers, then filtered ones.

    Both sides read the index with the same `ef`, so that their recall is comparable.
    """
    everything = Queries.of(corpus, range(len(corpus)), bench.sizes.calls)
    for connection in bench.callers:
        await connection.execute(f"SET hnsw.ef_search = {INDEX.ef}")
    ours = _ours(store, everything, None)
    sql = by_full("corpus")
    theirs = [await _theirs(connection, everything, sql) for connection in bench.callers]
    recall = await everything.recall(_by_id(ours)), await everything.recall(theirs[0])
    for callers in (1, 4, CALLERS):
        yield _case(
            bench, f"vector search, {callers} caller{'s' * (callers > 1)}", everything,
            [ours] * callers, theirs[:callers], recall, f"held prepared, ef_search {INDEX.ef}",
        )  # fmt: skip
    yield _many(bench, store, everything, theirs[0], recall)
    for column, what in (("percent", "1 %"), ("tenth", "10 %")):
        rows = [number for number, row in enumerate(metadata) if row[column] == 3]
        queries = Queries.of(corpus, rows, bench.sizes.calls // 2)
        ours = _ours(store, queries, F(column) == 3)
        how, search, found = await _best(bench.driver, queries, column)
        recall = await queries.recall(_by_id(ours)), found
        yield _case(
            bench, f"vector search, filter {what}", queries, [ours], [search], recall, how
        )  # fmt: skip


def _case(
    bench: Bench,
    name: str,
    queries: Queries,
    ours: Sequence[Search],
    theirs: Sequence[Search],
    recall: tuple[float, float],
    note: str,
) -> Case:
    numbers = range(len(queries.truth))
    return Case(
        name, len(numbers), "calls/s",
        lambda: per_row(in_turns(ours, numbers), len(numbers)),
        lambda: per_row(in_turns(theirs, numbers), len(numbers)),
        bench.sizes.rounds, recall=recall, note=note,
    )  # fmt: skip


def _many(
    bench: Bench,
    store: VectorStore,
    queries: Queries,
    theirs: Search,
    recall: tuple[float, float],
) -> Case:
    vectors = queries.vectors[:_MANY]
    return Case(
        f"vector search_many, {len(vectors)} queries", len(vectors), "calls/s",
        lambda: per_row(store.search_many(vectors, k=K), len(vectors)),
        lambda: per_row(in_turns([theirs], range(len(vectors))), len(vectors)),
        bench.sizes.rounds, recall=recall, note="held prepared, one after the other",
    )  # fmt: skip


def _ours(store: VectorStore, queries: Queries, filter_: Filter | None) -> Search:
    async def search(number: int) -> Hits:
        return await store.search(queries.vectors[number], k=K, filter=filter_)

    return search


def _by_id(search: Search) -> Search:
    async def found(number: int) -> list[dict[str, str]]:
        return [{"id": hit.id} for hit in await search(number)]

    return found


async def _theirs(connection: Connection, queries: Queries, sql: str) -> Search:
    prepared: PreparedStatement[Row] = await connection.prepare(sql)

    async def search(number: int) -> Sequence[Row]:
        return await prepared.fetch(queries.wire[number])

    return search


async def _best(connection: Connection, queries: Queries, column: str) -> tuple[str, Search, float]:
    """Return the quicker of an exact search and an iterative index scan of good recall."""
    exact = await _theirs(connection, queries, _EXACT.format(column=column))
    await connection.execute("SET hnsw.iterative_scan = relaxed_order")
    iterative = await _theirs(connection, queries, _ITERATIVE.format(column=column))
    found = {"exact": await queries.recall(exact), "iterative": await queries.recall(iterative)}
    times: dict[str, float] = {}
    for how, search in (("exact", exact), ("iterative", iterative)):
        numbers = range(len(queries.truth))
        times[how] = await per_row(in_turns([search], numbers), len(numbers))
    quick = times["iterative"] < times["exact"] and found["iterative"] >= _GOOD_RECALL
    if quick:
        return "iterative index scan, relaxed order", iterative, found["iterative"]
    return "exact, through a b-tree", exact, found["exact"]


async def by_index(
    bench: Bench, stores: Sequence[tuple[str, VectorStore, str]], queries: Queries
) -> AsyncGenerator[Case]:
    """Yield searches by indexes of several kinds.

    Args:
        bench: Both sides.
        stores: What the operation is called, ours, and the driver's statement.
        queries: What is searched for.
    """
    for what, store, sql in stores:
        ours = _ours(store, queries, None)
        connection = bench.callers[1]
        await connection.execute(f"SET hnsw.ef_search = {max(INDEX.ef, RERANKED)}")
        theirs = await _theirs(connection, queries, sql)
        recall = await queries.recall(_by_id(ours)), await queries.recall(theirs)
        yield _case(
            bench, what, queries, [ours], [theirs], recall,
            "held prepared, the same index",
        )  # fmt: skip
        await connection.execute(f"SET hnsw.ef_search = {INDEX.ef}")


def by_full(table: str) -> str:
    """Return the driver's search by an index in full precision."""
    return f"SELECT {_COLUMNS} FROM bare.{table} ORDER BY embedding <=> $1 LIMIT {K}"


def by_half(table: str, dimensions: int = DIMENSIONS) -> str:
    """Return the driver's search by an index in half precision."""
    order = f"embedding::halfvec({dimensions}) <=> $1::vector::halfvec({dimensions})"
    return f"SELECT {_COLUMNS} FROM bare.{table} ORDER BY {order} LIMIT {K}"


def by_bits(table: str, dimensions: int = DIMENSIONS) -> str:
    """Return the driver's search by an index of one bit a number, the best compared again."""
    order = f"binary_quantize(embedding)::bit({dimensions}) <~> binary_quantize($1::vector)"
    return (
        f"WITH near AS MATERIALIZED (SELECT {_COLUMNS} FROM bare.{table} "
        f"ORDER BY {order} LIMIT {RERANKED}) SELECT * FROM near ORDER BY distance LIMIT {K}"
    )
