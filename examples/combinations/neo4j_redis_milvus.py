"""Questions about a library: passages in Milvus, what they mention in Neo4j, the rest in Redis.

docker compose -f compose/neo4j-redis-milvus.yaml up -d --wait
"""

import asyncio
from pathlib import Path

import numpy as np

import polystore
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, VectorRecord, VectorSpec

CONFIG = Path(__file__).parents[2] / "compose" / "neo4j-redis-milvus.polystore.yaml"
STORES = [
    KVSpec(name="embeddings", ttl=7 * 24 * 3600),
    DocSpec(name="books", indexes=(("year",),)),
    VectorSpec(name="passages_of_books", dimensions=16, fields={"book": "string"}),
    GraphSpec(name="mentions"),
]
BOOKS = {
    "waves": {"title": "On waves", "year": 1690},
    "optics": {"title": "Opticks", "year": 1704},
}
PASSAGES = {
    "waves/1": ("light spreads as waves do", ["light", "wave"]),
    "waves/2": ("the moon has no air", ["moon"]),
    "optics/1": ("light is made of small bodies", ["light", "corpuscle"]),
}


def embed(text: str) -> np.ndarray:
    """Stand for a model: which letters a text has."""
    return np.bincount([ord(letter) % 16 for letter in text], minlength=16).astype(np.float32)


async def main(config: Path = CONFIG) -> None:
    """Load, ask, and follow what the answers mention."""
    async with polystore.open(config, stores=STORES) as ps:
        await ps.doc("books").put_many(BOOKS)
        await ps.vector("passages_of_books").upsert(
            VectorRecord(id_, embed(text), text, {"book": id_.split("/")[0]})
            for id_, (text, _) in PASSAGES.items()
        )
        await ps.graph("mentions").upsert_edges(
            Edge(id_, "mentions", what) for id_, (_, named) in PASSAGES.items() for what in named
        )
        question = "what is light made of"
        await ps.kv("embeddings").put(question, embed(question).tobytes())
        vector = np.frombuffer(await ps.kv("embeddings").get(question), np.float32)
        for hit in await ps.vector("passages_of_books").search(vector, k=2):
            book = await ps.doc("books").get(hit.metadata["book"]) or {}
            also = await ps.graph("mentions").neighbors(hit.id, direction="out")
            print(f"{hit.score:.2f} {hit.text} ({book['title']}, {book['year']}), mentions {also}")
        others = await ps.graph("mentions").neighbors("light", direction="in")
        print("light is mentioned in", others)
        old = F("year") < 1700  # noqa: PLR2004
        print("before 1700:", [one.id for one in (await ps.doc("books").find(old)).items])


if __name__ == "__main__":
    asyncio.run(main())
