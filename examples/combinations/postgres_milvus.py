"""Documents in PostgreSQL, many vectors in Milvus: load in bulk, then search with a filter.

docker compose -f compose/postgres-milvus.yaml up -d --wait
"""

import asyncio
from pathlib import Path

import numpy as np

import polystore
from polystore import DocSpec, F, VectorSpec

CONFIG = Path(__file__).parents[2] / "compose" / "postgres-milvus.polystore.yaml"
ROWS, DIMENSIONS = 2000, 16
YEAR = 1997
STORES = [
    DocSpec(name="pictures", indexes=(("year",),)),
    VectorSpec(name="picture_vectors", dimensions=DIMENSIONS, fields={"year": "integer"}),
]


async def main(config: Path = CONFIG) -> None:
    """Load, search, and look up what was found."""
    random = np.random.default_rng(1)
    matrix = random.normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
    ids = [f"p{number:04d}" for number in range(ROWS)]
    data = {id_: {"year": 1990 + number % 30} for number, id_ in enumerate(ids)}
    async with polystore.open(config, stores=STORES) as ps:
        await ps.doc("pictures").put_many(data)
        vectors = ps.vector("picture_vectors")
        async with vectors.bulk():
            await vectors.upsert_arrays(ids, matrix, metadata=list(data.values()))
        print("rows:   ", await ps.doc("pictures").count(), await vectors.count())

        hits = await vectors.search(matrix[7], k=3, exact=True)
        print("nearest:", hits[0].id, round(hits[0].score, 3))
        some = await vectors.search(matrix[7], k=100, filter=F("year") == YEAR)
        print("of 1997:", len(some), "of", await vectors.count(F("year") == YEAR))
        found = await ps.doc("pictures").get_many([hit.id for hit in some])
        print("years:  ", {one.data["year"] for one in found if one})


if __name__ == "__main__":
    asyncio.run(main())
