"""If k records match, k come back: neither filters nor crowded neighbours starve a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from polystore.capabilities import Feature
from polystore.filters import F
from polystore.testing.checks import declared, fresh_workspace
from polystore.testing.opening import DIMENSIONS
from polystore.testing.vector.base import VectorTests, random_vectors, unit

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.vector import VectorStore

CROWD = 1500
RARE = 9
QUERIES = 25
RECALL = 0.9
"""Of few queries over few records in an index that many workspaces share; so not a measurement."""


async def search_with_filter(vectors: VectorStore) -> None:
    """Use what `filter` declares."""
    await vectors.search(unit(0), filter={"rare": True})


class VectorCompleteness(VectorTests):
    """Complete answers."""

    @declared(Feature.FILTER, otherwise=search_with_filter)
    async def test_a_rare_filter_does_not_starve(self, vectors: VectorStore) -> None:
        """Few records that match, far from the query, among many that do not match and are near."""
        near = random_vectors(CROWD, seed=20) * 0.05 + np.array(unit(0), np.float32)
        far = random_vectors(RARE, seed=21) * 0.05 - np.array(unit(0), np.float32)
        await vectors.upsert_arrays([f"near{n}" for n in range(CROWD)], near)
        await vectors.upsert_arrays(
            [f"far{n}" for n in range(RARE)], far, metadata=[{"rare": True}] * RARE
        )
        for k in (1, RARE - 1, RARE, RARE + 5):
            hits = await vectors.search(unit(0), k=k, filter={"rare": True})
            assert len(hits) == min(k, RARE)
            assert all(hit.id.startswith("far") for hit in hits)
        hits = await vectors.search(unit(0), k=RARE, filter=F("rare").exists(), min_score=-1.0)
        assert len(hits) == RARE
        assert list(await vectors.search(unit(0), filter={"rare": False})) == []

    async def test_a_small_workspace_does_not_starve(self, client: Polystore) -> None:
        """A tenant with few records far from the query, beside one with many that are near."""
        crowded = client.workspace(fresh_workspace()).vector("kit_vectors")
        small = client.workspace(fresh_workspace()).vector("kit_vectors")
        near = random_vectors(CROWD, seed=22) * 0.05 + np.array(unit(0), np.float32)
        far = random_vectors(RARE, seed=23) * 0.05 - np.array(unit(0), np.float32)
        await crowded.upsert_arrays([f"r{n}" for n in range(CROWD)], near)
        await small.upsert_arrays([f"r{n}" for n in range(RARE)], far)
        for k in (1, RARE, RARE + 5):
            hits = await small.search(unit(0), k=k)
            assert len(hits) == min(k, RARE)
            assert all(hit.score < 0 for hit in hits)

    async def test_recall(self, metrics: list[VectorStore]) -> None:
        """What an index misses is little, also in a workspace beside many others, on clusters."""
        random = np.random.default_rng(25)
        centres = random.normal(size=(16, DIMENSIONS))
        rows = centres[random.integers(16, size=CROWD)] + random.normal(
            scale=0.2, size=(CROWD, DIMENSIONS)
        )
        queries = rows[:QUERIES] + random.normal(scale=0.1, size=(QUERIES, DIMENSIONS))
        ids = [f"r{n}" for n in range(CROWD)]
        for store in metrics:
            await store.upsert_arrays(ids, rows)
            found = await store.search_many(queries, k=10)
            wanted = await store.search_many(queries, k=10, exact=True)
            assert all(hits.exact for hits in wanted)
            common = [
                len({hit.id for hit in some} & {hit.id for hit in best})
                for some, best in zip(found, wanted, strict=True)
            ]
            recall = sum(common) / (10 * QUERIES)
            assert recall >= RECALL, f"{store.spec.metric}: {recall:.3f}, {found[0].plan}"

    async def test_large_k(self, vectors: VectorStore) -> None:
        """K near and over the number of records gives them all, by index too."""
        limit = (await vectors.capabilities()).limits.k or CROWD
        rows = min(600, limit)
        await vectors.upsert_arrays([f"r{n}" for n in range(rows)], random_vectors(rows, seed=24))
        for k in (rows - 1, rows, min(rows + 50, limit)):
            hits = await vectors.search(unit(0), k=k)
            assert len({hit.id for hit in hits}) == len(hits) == min(k, rows)

    async def test_after_deletes(self, vectors: VectorStore) -> None:
        """Deleted and replaced records leave no gap in the answer."""
        matrix = random_vectors(300, seed=25)
        ids = [f"r{n:03}" for n in range(300)]
        await vectors.upsert_arrays(ids, matrix)
        await vectors.upsert_arrays(ids[:50], -matrix[:50])
        nearest = await vectors.search(matrix[100], k=200, exact=True)
        await vectors.delete([hit.id for hit in nearest])
        hits = await vectors.search(matrix[100], k=100)
        assert len(hits) == 100
        assert not {hit.id for hit in hits} & {hit.id for hit in nearest}
