"""Vector stores beside UNNEST of packed vectors and held prepared searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.context import INDEX, packed
from bench.data import vector_ids, vector_metadata
from bench.measure import Case, per_row
from bench.vector_search import Queries, by_bits, by_half, by_index, searches
from polystore.bench.records import DIMENSIONS, clustered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from polystore import VectorStore
    from polystore.bench.records import Vectors

_BATCH = 1000
_SETTINGS = f"WITH (m = {INDEX.m}, ef_construction = {INDEX.ef_construction})"
_SAME = "plain_same"
_SAME_TABLE = f"""
CREATE TABLE bare.{_SAME} (
    workspace text COLLATE "C", id text COLLATE "C", embedding vector({DIMENSIONS}) NOT NULL,
    text text, words tsvector, metadata jsonb NOT NULL, version bigint NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    percent int, tenth int, PRIMARY KEY (workspace, id)
);
ALTER TABLE bare.{_SAME} ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX ON bare.{_SAME} USING gin (words);
"""
_SAME_UPSERT = f"""
INSERT INTO bare.{_SAME} AS t
SELECT 'w', id, embedding, NULL, NULL, metadata, 1, now(), now(), percent, tenth
FROM unnest($1::text[], $2::vector[], $3::jsonb[], $4::int[], $5::int[])
    AS r (id, embedding, metadata, percent, tenth)
ON CONFLICT (workspace, id) DO UPDATE
SET embedding = excluded.embedding, metadata = excluded.metadata, text = excluded.text,
    words = excluded.words, version = t.version + 1, updated_at = now(),
    percent = excluded.percent, tenth = excluded.tenth
"""


def _upsert(table: str) -> str:
    return (
        f"INSERT INTO bare.{table} (id, embedding, metadata, percent, tenth) "
        "SELECT * FROM unnest($1::text[], $2::vector[], $3::jsonb[], $4::int[], $5::int[]) "
        "ON CONFLICT (id) DO UPDATE SET embedding = excluded.embedding, "
        "metadata = excluded.metadata, percent = excluded.percent, tenth = excluded.tenth"
    )


class Rows:
    """Records, as each side takes them."""

    def __init__(self, count: int, *, seed: int) -> None:
        self.ids = vector_ids(count)
        self.vectors: Vectors = clustered(count, seed=seed)
        self.metadata = vector_metadata(count)

    async def into_store(self, store: VectorStore, *, parallel: int = 1) -> None:
        """Upsert all through polystore."""
        await store.upsert_arrays(self.ids, self.vectors, metadata=self.metadata, parallel=parallel)

    async def into_table(self, bench: Bench, table: str) -> None:
        """Upsert all through the driver; packing the vectors is part of the work."""
        upsert = await bench.driver.prepare(_SAME_UPSERT if table == _SAME else _upsert(table))
        for start in range(0, len(self.ids), _BATCH):
            part = slice(start, start + _BATCH)
            metadata = self.metadata[part]
            await upsert.fetch(
                self.ids[part],
                packed(self.vectors[part]),
                metadata,
                [row["percent"] for row in metadata],
                [row["tenth"] for row in metadata],
            )


async def create_table(bench: Bench, table: str, dimensions: int = DIMENSIONS) -> None:
    """Create the driver's table; vectors stay in the row, as reading them from aside is slow."""
    await bench.driver.execute(
        f'CREATE TABLE bare.{table} (id text COLLATE "C" PRIMARY KEY, '
        f"embedding vector({dimensions}) NOT NULL, metadata jsonb NOT NULL, "
        f"percent int, tenth int);"
        f"ALTER TABLE bare.{table} ALTER COLUMN embedding SET STORAGE PLAIN"
    )


def index_of(table: str, kind: str, dimensions: int) -> str:
    """Return what creates the driver's HNSW index of a kind: full, half, bits."""
    expression = {
        "full": "embedding vector_cosine_ops",
        "half": f"(embedding::halfvec({dimensions})) halfvec_cosine_ops",
        "bits": f"(binary_quantize(embedding)::bit({dimensions})) bit_hamming_ops",
    }[kind]
    return f"CREATE INDEX {table}_nearest ON bare.{table} USING hnsw ({expression}) {_SETTINGS}"


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations: writing without an index and into one, loading, searching."""
    sizes = bench.sizes
    for table in ("plain", "growing", "corpus"):
        await create_table(bench, table)
    await bench.driver.execute(index_of("growing", "full", DIMENSIONS))
    await bench.driver.execute(_SAME_TABLE)
    upserts = (("plain", "no index", sizes.vectors), ("growing", "into HNSW", sizes.indexed))
    for name, what, count in upserts:
        store, rows = bench.ps.vector(name), Rows(count, seed=1)

        async def empty(name: str = name) -> None:
            await bench.empty([f"vec_{name}"], [name, _SAME])

        plain = name == "plain"
        sides: dict[str, Any] = {
            "driver": lambda rows=rows, name=name: per_row(
                rows.into_table(bench, name), len(rows.ids)
            ),
            "rounds": sizes.rounds if plain else max(2, sizes.rounds - 2),
            "before": empty,
            "warm": plain,
        }
        yield Case(
            f"vector upsert, {what}", count, "rows/s",
            lambda store=store, rows=rows: per_row(rows.into_store(store), len(rows.ids)),
            same=(lambda rows=rows: per_row(rows.into_table(bench, _SAME), len(rows.ids)))
            if plain else None,
            note="UNNEST of packed binary vectors", **sides,
        )  # fmt: skip
        yield Case(
            f"vector upsert, {what}, parallel=2", count, "rows/s",
            lambda store=store, rows=rows: per_row(
                rows.into_store(store, parallel=2), len(rows.ids)
            ),
            note="one connection", **sides,
        )  # fmt: skip
    async for case in _loaded(bench):
        yield case


async def _loaded(bench: Bench) -> AsyncGenerator[Case]:
    store, rows = bench.ps.vector("corpus"), Rows(bench.sizes.corpus, seed=2)

    async def ours() -> None:
        async with store.bulk():
            await rows.into_store(store)

    async def theirs() -> None:
        await bench.driver.execute("DROP INDEX IF EXISTS bare.corpus_nearest")
        await rows.into_table(bench, "corpus")
        await bench.driver.execute("SET maintenance_work_mem = '1GB'")
        await bench.driver.execute(index_of("corpus", "full", DIMENSIONS))

    async def empty() -> None:
        await bench.empty(["vec_corpus"], ["corpus"])

    both: dict[str, Any] = {"rows": len(rows.ids), "unit": "rows/s", "rounds": 1, "warm": False}
    # The searches need both loaded, so each side empties its own table only, if at all.
    await empty()
    yield Case(
        "vector bulk load and build HNSW",
        ours=lambda: per_row(ours(), len(rows.ids)),
        driver=lambda: per_row(theirs(), len(rows.ids)),
        note="UNNEST, then CREATE INDEX",
        **both,
    )
    if await store.count() == 0:  # that case was not asked for
        await ours()
        await theirs()
    await bench.driver.execute(
        "CREATE INDEX ON bare.corpus (percent); CREATE INDEX ON bare.corpus (tenth)"
    )
    await bench.settle("polystore.vec_corpus", "bare.corpus")
    async for case in searches(bench, store, rows.vectors, rows.metadata):
        yield case
    async for case in _quantized(bench, rows):
        yield case


async def _quantized(bench: Bench, rows: Rows) -> AsyncGenerator[Case]:
    """Load the same rows under smaller indexes, and search."""
    for name in ("half", "bits"):
        await create_table(bench, name)
        await rows.into_table(bench, name)
        await bench.driver.execute(index_of(name, name, DIMENSIONS))
        store = bench.ps.vector(name)
        async with store.bulk():
            await rows.into_store(store)
        await bench.settle(f"polystore.vec_{name}", f"bare.{name}")
    sides = [
        ("vector search, half index", bench.ps.vector("half"), by_half("half")),
        ("vector search, binary index", bench.ps.vector("bits"), by_bits("bits")),
    ]
    queries = Queries.of(rows.vectors, range(len(rows.ids)), bench.sizes.calls)
    async for case in by_index(bench, sides, queries):
        yield case
