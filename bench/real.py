"""Searches among real embeddings: what smaller indexes find where clusters are not drawn by us.

The texts are the docstrings of Python's standard library, the model is wordllama, as in the demo.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.context import REAL_DIMENSIONS, REAL_INDEXES, packed
from bench.data import exact_nearest, vector_ids
from bench.vector import create_table, index_of
from bench.vector_search import K, Queries, by_bits, by_full, by_half, by_index
from polystore.bench.records import vector_id
from polystore.demo import python_source
from polystore.demo.corpus import find_corpus
from polystore.demo.embedding import WordLlamaEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.measure import Case

_STATEMENTS = {
    "full": by_full("real_full"),
    "half": by_half("real_half", REAL_DIMENSIONS),
    "bits": by_bits("real_bits", REAL_DIMENSIONS),
}
_INSERT = """
INSERT INTO bare.{table} (id, embedding, metadata)
SELECT r.*, '{{}}' FROM unnest($1::text[], $2::vector[]) AS r
"""


def texts() -> list[str]:
    """Return what is embedded, each text once, in an order of its own."""
    sources = find_corpus(None).sources
    names = frozenset(sources)
    found: dict[str, None] = {}
    for source in sources.values():
        if source.format == "python" and source.file is not None:
            parsed = python_source.parse(source, source.file.read_bytes(), names)
            found.update(dict.fromkeys(chunk.embedded for chunk in parsed.chunks))
    ordered = sorted(found)
    random.Random(1).shuffle(ordered)  # noqa: S311
    return ordered


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield searches by each kind of index; what is searched for is not stored."""
    everything = texts()
    count = min(len(everything) - bench.sizes.calls, bench.sizes.corpus)
    vectors = WordLlamaEmbedder().embed(everything[: count + bench.sizes.calls])
    rows, queries = vectors[:count], vectors[count:]
    nearest = exact_nearest(rows, queries, K)
    asked = Queries(queries, packed(queries), [{vector_id(n) for n in found} for found in nearest])
    ids = vector_ids(count)
    for name, _ in REAL_INDEXES:
        table = f"real_{name}"
        await create_table(bench, table, REAL_DIMENSIONS)
        await bench.driver.execute(_INSERT.format(table=table), ids, packed(rows))
        await bench.driver.execute(index_of(table, name, REAL_DIMENSIONS))
        store = bench.ps.vector(table)
        async with store.bulk():
            await store.upsert_arrays(ids, rows)
        await bench.settle(f"polystore.vec_{table}", f"bare.{table}")
    sides = [
        (f"real texts, {name} index", bench.ps.vector(f"real_{name}"), _STATEMENTS[name])
        for name, _ in REAL_INDEXES
    ]
    async for case in by_index(bench, sides, asked):
        yield case
