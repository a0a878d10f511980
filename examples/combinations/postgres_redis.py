"""PostgreSQL with a cache in Redis: what a model answered is asked for once, and forgotten in time.

docker compose -f compose/postgres-redis.yaml up -d --wait
"""

import asyncio
import hashlib
from pathlib import Path

import polystore
from polystore import DocSpec, KVSpec

CONFIG = Path(__file__).parents[2] / "compose" / "postgres-redis.polystore.yaml"
STORES = [KVSpec(name="model_answers", ttl=7 * 86_400), DocSpec(name="questions_asked")]


async def model(question: str) -> str:
    """Stand for a slow and dear one."""
    await asyncio.sleep(0.01)
    return f"{question[::-1]}!"


async def answer(ps: polystore.Polystore, question: str) -> tuple[str, bool]:
    """Return the answer, and whether the cache had it."""
    cache = ps.kv("model_answers")
    key = hashlib.sha256(question.encode()).hexdigest()
    cached = await cache.get(key)
    if cached is not None:
        return cached["text"], True
    text = await model(question)
    await cache.put(key, {"text": text})
    return text, False


async def main(config: Path = CONFIG) -> None:
    """Ask the same twice, and keep what was asked for good."""
    async with polystore.open(config, stores=STORES) as ps:
        await ps.kv("model_answers").clear()
        asked = ps.doc("questions_asked")
        for question in ("why", "how", "why"):
            text, cached = await answer(ps, question)
            await asked.put_if_absent(question, {"times": 0})
            times = (await asked.get(question) or {})["times"]
            await asked.patch(question, {"times": times + 1})
            print(f"{question}: {text} {'(cached)' if cached else ''}".rstrip())
        print("cached:", await ps.kv("model_answers").count())
        print("asked: ", [one.id for one in (await asked.find()).items])


if __name__ == "__main__":
    asyncio.run(main())
