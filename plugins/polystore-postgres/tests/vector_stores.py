"""Vector stores made without the core, and vectors to put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from polystore.specdiff import StoredSpec
from polystore.specs import VectorSpec
from polystore.stores.queries import SearchQuery
from polystore.types.batches import VectorBatch
from polystore.types.call import Call
from polystore_postgres import ledger, schema_vector
from polystore_postgres.capabilities import AT_MOST
from polystore_postgres.names import Names
from polystore_postgres.tables import create_statements
from polystore_postgres.vector import PostgresVector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from polystore_postgres.pool import Pool

    Matrix = NDArray[np.float32]

CALL = Call("acme")
SCHEMA = 'odd "schema"'


def stored_spec(name: str = "chunks", **declared: Any) -> StoredSpec:
    return StoredSpec(VectorSpec.model_validate({"name": name} | declared))


async def create_store(pool: Pool, **declared: Any) -> PostgresVector:
    """Create a store and return its driver."""
    stored = stored_spec(**declared)
    async with pool.acquire(autocommit=True) as connection:
        await ledger.ensure_vector(connection)
    if not pool.facts.has_vector:
        await pool.refresh()
    names = _names(pool)
    await pool.execute(f"CREATE SCHEMA IF NOT EXISTS {names.quoted}")
    for statement in create_statements(schema_vector, stored, names):
        await pool.execute(statement)
    return bind_store(pool, **declared)


def bind_store(pool: Pool, **declared: Any) -> PostgresVector:
    """Return a driver of a store that exists."""
    return PostgresVector(pool, stored_spec(**declared), _names(pool), AT_MOST["vector"])


def _names(pool: Pool) -> Names:
    return Names(SCHEMA, pool.facts.vector_schema or "public")


def table(name: str = "chunks") -> str:
    return f'"odd ""schema"""."vec_{name}"'


def clustered(rows: int, dimensions: int, seed: int) -> Matrix:
    """Vectors around fifty centres, which are the same for every seed."""
    centres = np.random.default_rng(0).normal(size=(50, dimensions))
    noise = np.random.default_rng(seed)
    points = centres[noise.integers(0, len(centres), rows)]
    return (points + 0.7 * noise.normal(size=points.shape)).astype(np.float32)


def batch(
    ids: Sequence[str],
    vectors: Matrix,
    metadata: Sequence[dict[str, Any]] | None = None,
    texts: Sequence[str | None] | None = None,
) -> VectorBatch:
    objects = list(metadata or [{} for _ in ids])
    return VectorBatch(
        list(ids),
        np.ascontiguousarray(vectors, dtype=np.float32),
        list(texts or [None] * len(ids)),
        objects,
        [orjson.dumps(item) for item in objects],
    )


async def load(
    driver: PostgresVector,
    vectors: Matrix,
    metadata: Sequence[dict[str, Any]] | None = None,
    *,
    call: Call = CALL,
    prefix: str = "",
) -> list[str]:
    """Upsert vectors in chunks; return their ids, whose order is that of the rows."""
    ids = [f"{prefix}{i:06}" for i in range(len(vectors))]
    for start in range(0, len(ids), 1000):
        part = slice(start, start + 1000)
        await driver.upsert(
            call, batch(ids[part], vectors[part], metadata[part] if metadata else None)
        )
    return ids


def distances(metric: str, vectors: Matrix, query: Matrix) -> NDArray[np.float64]:
    """The reference, in double precision."""
    rows, one = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "cosine":
        return 1 - rows @ one / (np.linalg.norm(rows, axis=1) * np.linalg.norm(one))
    return -(rows @ one) if metric == "ip" else np.linalg.norm(rows - one, axis=1)


def nearest(metric: str, vectors: Matrix, query: Matrix, k: int) -> list[int]:
    """The rows of the k nearest, ties by row."""
    return np.argsort(distances(metric, vectors, query), kind="stable")[:k].tolist()


async def recall(
    driver: PostgresVector,
    metric: str,
    vectors: Matrix,
    queries: Matrix,
    *,
    k: int = 10,
    call: Call = CALL,
    **asked: Any,
) -> tuple[float, set[str]]:
    """Return the recall of searches for ids as `load` makes them, and the plans."""
    found = await driver.search(call, SearchQuery(queries, k, **asked))
    right = 0
    for query, hits in zip(queries, found, strict=True):
        assert len(hits) == k
        wanted = {f"{row:06}" for row in nearest(metric, vectors, query, k)}
        right += len(wanted & {hit.id for hit in hits})
    return right / (k * len(queries)), {hits.plan for hits in found}
