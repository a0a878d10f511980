"""Sessions in Redis, what people like as vectors in PostgreSQL, and who knows whom in Neo4j.

docker compose -f compose/redis-postgres-neo4j.yaml up -d --wait
"""

import asyncio
from pathlib import Path

import polystore
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, Node, VectorRecord, VectorSpec

CONFIG = Path(__file__).parents[2] / "compose" / "redis-postgres-neo4j.polystore.yaml"
STORES = [
    KVSpec(name="logins", ttl=12 * 3600),
    DocSpec(name="profiles", indexes=(("city",),)),
    VectorSpec(name="tastes", dimensions=3, fields={"city": "string"}),
    GraphSpec(name="acquaintance", directed=False),
]
PEOPLE = {
    "ada": ("London", [0.9, 0.1, 0.0]),
    "bob": ("London", [0.8, 0.3, 0.1]),
    "cyd": ("Oslo", [0.1, 0.9, 0.3]),
    "dan": ("London", [0.0, 0.2, 0.9]),
}


async def main(config: Path = CONFIG) -> None:
    """Suggest whom somebody may like to meet: near in taste, and a friend's friend."""
    async with polystore.open(config, stores=STORES) as ps:
        people = {name: {"city": city} for name, (city, _) in PEOPLE.items()}
        await ps.doc("profiles").put_many(people)
        await ps.vector("tastes").upsert(
            [VectorRecord(name, PEOPLE[name][1], None, data) for name, data in people.items()]
        )
        graph = ps.graph("acquaintance")
        await graph.upsert_nodes([Node(name, ("Person",), data) for name, data in people.items()])
        await graph.upsert_edges([Edge("ada", "knows", "cyd"), Edge("cyd", "knows", "bob")])
        await ps.kv("logins").put("token-1", {"who": "ada"})

        who = (await ps.kv("logins").get("token-1"))["who"]
        city = (await ps.doc("profiles").get(who) or {})["city"]
        near = await ps.vector("tastes").search(PEOPLE[who][1], k=3, filter=F("city") == city)
        for hit in near[1:]:
            path = await graph.shortest_path(who, hit.id)
            print(f"{hit.id} {hit.score:.2f}", f"through {path.nodes[1:-1]}" if path else "unknown")
        print(
            "lives in",
            city,
            [one.id for one in (await ps.doc("profiles").find(F("city") == city)).items],
        )


if __name__ == "__main__":
    asyncio.run(main())
