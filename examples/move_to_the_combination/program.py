"""From PostgreSQL alone to Neo4j, Redis and Milvus by another YAML file, and no other change.

    python program.py postgres.yaml
    python program.py combination.yaml      # prints the same

What is stored already is not carried over: each file begins with what its own engines hold.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np

import polystore
from polystore import Edge, F, Node, VectorRecord

HERE = Path(__file__).parent
TOPICS = ("storage", "search", "graphs")
SINCE = 2003
TITLES = {f"a{number:02d}": f"Part {number} on {TOPICS[number % 3]}" for number in range(30)}
ARTICLES = {
    id_: {"title": title, "topic": title.split()[-1], "year": 2000 + number % 7}
    for number, (id_, title) in enumerate(TITLES.items())
}


def embed(text: str) -> np.ndarray:
    """Stand for a model: which letters a text has."""
    return np.bincount([ord(letter) % 16 for letter in text], minlength=16).astype(np.float32)


async def load(ps: polystore.Polystore) -> None:
    """Write articles, their passages and their links, and cache one vector each."""
    await ps.doc("articles").put_many(ARTICLES)
    await ps.kv("cache").put_many({id_: embed(title).tobytes() for id_, title in TITLES.items()})
    await ps.vector("passages").upsert(
        VectorRecord(f"{id_}#1", embed(title), title, {"article": id_, "year": a["year"]})
        for (id_, title), a in zip(TITLES.items(), ARTICLES.values(), strict=True)
    )
    links = ps.graph("links")
    await links.upsert_nodes(Node(id_, ("Article",), dict(a)) for id_, a in ARTICLES.items())
    ids = list(ARTICLES)
    await links.upsert_edges(
        Edge(one, "cites", ids[(n * step + 1) % 30]) for n, one in enumerate(ids) for step in (2, 7)
    )


async def ask(ps: polystore.Polystore) -> None:
    """Print answers of all four kinds."""
    query = embed("search and graphs")
    for hit in await ps.vector("passages").search(
        query, k=3, filter=F("year") >= SINCE, exact=True
    ):
        near = await ps.graph("links").neighbors(hit.metadata["article"])
        print(f"{hit.score:.4f} {hit.id} {hit.text}, linked with {near}")
    page = await ps.doc("articles").find(F("topic") == "search", sort="-year", limit=4, total=True)
    print([(one.id, one.data["year"]) for one in page.items], "of", page.total)
    rest = await ps.doc("articles").find(
        F("topic") == "search", sort="-year", limit=4, cursor=page.cursor
    )
    print([(one.id, one.data["year"]) for one in rest.items])
    print([(c.value, c.count) for c in await ps.doc("articles").count_by("year")])
    path = await ps.graph("links").shortest_path("a01", "a23")
    print(path.nodes if path else None, await ps.graph("links").top_nodes(2))
    print(await ps.kv("cache").missing(["a07", "a99"]), await ps.kv("cache").count())


async def main(config: Path) -> None:
    """Load and ask."""
    async with polystore.open(config) as ps:
        await load(ps)
        await ask(ps)


if __name__ == "__main__":
    asyncio.run(main(HERE / (sys.argv[1] if len(sys.argv) > 1 else "postgres.yaml")))
