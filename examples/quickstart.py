"""The four kinds of storage in a minute, on an embedded PostgreSQL in ./.polystore."""

import asyncio
from collections.abc import Mapping
from typing import Any

import polystore
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, VectorRecord, VectorSpec

STORES = [
    KVSpec(name="settings"),
    DocSpec(name="books", indexes=(("year",),)),
    VectorSpec(name="passages", dimensions=3, fields={"genre": "string"}),
    GraphSpec(name="citations"),
]
SAND = VectorRecord("dune:1", [0.9, 0.1, 0.0], "Sand and spice", {"genre": "fiction"})
TEA = VectorRecord("emma:1", [0.0, 0.2, 0.9], "Tea and letters", {"genre": "romance"})


async def main(config: str | Mapping[str, Any] | None = None) -> None:
    """Write to each of the four, and read it back."""
    async with polystore.open(config, stores=STORES) as ps:
        await ps.kv("settings").put("language", {"code": "en"}, ttl="7d")
        await ps.vector("passages").upsert([SAND, TEA])
        async with ps.unit_of_work("books", "citations") as unit:  # both, or neither
            await unit.doc("books").put_many({"dune": {"year": 1965}, "emma": {"year": 1815}})
            await unit.graph("citations").upsert_edges([Edge("dune", "cites", "emma")])

        hits = await ps.vector("passages").search([1, 0, 0], k=1, filter=F("genre") == "fiction")
        books = await ps.doc("books").find(sort="year")
        print("setting: ", await ps.kv("settings").get("language"))
        print("nearest: ", hits[0].id, round(hits[0].score, 3), hits[0].text)
        print("books:   ", [(book.id, book.data["year"]) for book in books.items])
        print("cited by:", await ps.graph("citations").neighbors("emma", direction="in"))


if __name__ == "__main__":
    asyncio.run(main())
