"""Each kind on an engine made for it: a question to Redis, Milvus and Neo4j.

It finds passages in Milvus, what they are about in Neo4j, where they come from in Redis, and its
own vector in a cache there.

docker compose -f compose/neo4j-redis-milvus.yaml up -d --wait
"""

import asyncio
from pathlib import Path

import numpy as np

import polystore
from polystore import DocSpec, Edge, GraphSpec, KVSpec, Node, VectorRecord, VectorSpec

CONFIG = Path(__file__).parents[2] / "compose" / "neo4j-redis-milvus.polystore.yaml"
DAY = 86_400
WORDS = ("storm", "ship", "whale", "letter", "dance", "marriage", "desert", "spice")
STORES = [
    KVSpec(name="word_vectors", ttl=30 * DAY),
    DocSpec(name="sources", indexes=(("year",),)),
    VectorSpec(name="passages_found", dimensions=len(WORDS), fields={"source": "string"}),
    GraphSpec(name="subjects"),
]
PASSAGES = {
    "moby:1": ("moby", "The ship sailed into the storm, and the whale came"),
    "moby:2": ("moby", "A letter told of the whale"),
    "emma:1": ("emma", "The dance, the letter, and at last a marriage"),
    "dune:1": ("dune", "Spice in the desert, a storm of sand"),
}
YEARS = {"moby": 1851, "emma": 1815, "dune": 1965}


async def embed(cache: polystore.KVStore, text: str) -> np.ndarray:
    """Return how often each word occurs; the cache keeps it."""
    known = await cache.get(text)
    if known is None:
        known = np.array([text.lower().count(word) for word in WORDS], np.float32).tobytes()
        await cache.put(text, known)
    return np.frombuffer(known, np.float32)


async def main(config: Path = CONFIG, question: str = "a storm at sea and a ship") -> None:
    """Load a few passages and ask."""
    async with polystore.open(config, stores=STORES) as ps:
        cache, graph = ps.kv("word_vectors"), ps.graph("subjects")
        await ps.doc("sources").put_many({name: {"year": year} for name, year in YEARS.items()})
        await ps.vector("passages_found").upsert(
            [
                VectorRecord(id_, await embed(cache, text), text, {"source": source})
                for id_, (source, text) in PASSAGES.items()
            ]
        )
        await graph.upsert_nodes([Node(word, ("Word",)) for word in WORDS])
        await graph.upsert_edges(
            Edge(source, "tells of", word)
            for source, text in PASSAGES.values()
            for word in WORDS
            if word in text.lower()
        )
        for hit in await ps.vector("passages_found").search(await embed(cache, question), k=2):
            source = hit.metadata["source"]
            year = (await ps.doc("sources").get(source) or {})["year"]
            print(f"{hit.score:.3f} {hit.id} ({year}): {hit.text}")
            print("      tells of", await graph.neighbors(source, direction="out"))
        path = await graph.shortest_path("emma", "dune")
        print("from emma to dune:", path.nodes if path else "no way")


if __name__ == "__main__":
    asyncio.run(main())
