"""Everything in PostgreSQL: an order, its log, its place in a graph and its vector, all or nothing.

docker compose -f compose/postgres.yaml up -d --wait
"""

import asyncio
from pathlib import Path

import polystore
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, VectorRecord, VectorSpec

CONFIG = Path(__file__).parents[2] / "compose" / "postgres.polystore.yaml"
STORES = [
    DocSpec(name="orders", indexes=(("status", "-total"),)),
    VectorSpec(name="complaints", dimensions=3, fields={"order": "string"}),
    GraphSpec(name="deliveries"),
    KVSpec(name="order_numbers"),
]


async def main(config: Path = CONFIG) -> None:
    """Write to all four in one unit; a unit that fails leaves nothing behind."""
    async with polystore.open(config, stores=STORES) as ps:
        everything = [spec.name for spec in STORES]
        async with ps.unit_of_work(*everything) as unit:
            await unit.kv("order_numbers").put("last", 7)
            await unit.doc("orders").put("o7", {"status": "open", "total": 12.5})
            await unit.graph("deliveries").upsert_edges([Edge("o7", "goes to", "Oslo")])
            complaint = VectorRecord("c1", [0.1, 0.9, 0.2], "It came late", {"order": "o7"})
            await unit.vector("complaints").upsert([complaint])
        try:
            async with ps.unit_of_work(*everything) as unit:
                await unit.doc("orders").put("o8", {"status": "open", "total": 99})
                await unit.kv("order_numbers").put("last", 8)
                raise LookupError("o8 has no address")  # noqa: TRY301 - what a program runs into
        except LookupError as error:
            print("failed:   ", error)
        print("last:     ", await ps.kv("order_numbers").get("last"))
        found = await ps.doc("orders").find(F("status") == "open", sort="-total", total=True)
        print("open:     ", [order.id for order in found.items], "of", found.total)
        hits = await ps.vector("complaints").search([0, 1, 0], k=1, filter=F("order") == "o7")
        print("complaint:", hits[0].text)
        print("goes to:  ", await ps.graph("deliveries").neighbors("o7", direction="out"))


if __name__ == "__main__":
    asyncio.run(main())
