"""What row-level security costs, and what partitions by workspace bring, on an embedded PostgreSQL.

`python -m bench.tenants [--quick]`: each side with the same data on the same server, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import numpy as np

import polystore
from polystore import KVSpec, VectorSpec
from polystore_postgres.embedded import DATABASE, PORT, USER, start_embedded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from polystore import Polystore

    Ask: TypeAlias = Callable[[int], Awaitable[object]]

_DIMENSIONS = 64
_TURNS = 5
_CALLS = 200
_K = 10
_PARTITIONS = 16
_STORES = (
    KVSpec(name="entries"),
    VectorSpec(name="whole", dimensions=_DIMENSIONS),
    VectorSpec(
        name="parted",
        dimensions=_DIMENSIONS,
        options={"postgres": {"partitions": _PARTITIONS}},
    ),
)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A tenth of the data.")
    each = 400 if parser.parse_args().quick else 4_000
    with tempfile.TemporaryDirectory(prefix="polystore-bench-tenants-") as folder:
        server = await start_embedded(Path(folder) / "data")
        try:
            await _measure(server.host, each)
        finally:
            await server.close()


async def _measure(host: str, each: int) -> None:
    owner = await asyncpg.connect(host=host, port=PORT, user=USER, database=DATABASE)
    for statement in (
        "CREATE ROLE bench LOGIN",
        f"GRANT CREATE ON DATABASE {DATABASE} TO bench",
        "CREATE EXTENSION vector",
    ):
        await owner.execute(statement)
    await owner.close()
    block = {"use": "postgres", "schema": "auto", "pool": {"max": 4}}
    block |= {"dsn": f"host={host} port={PORT} user=bench dbname={DATABASE}"}
    sides: dict[str, dict[str, Any]] = {
        "off": block | {"namespace": "off"},
        "on": block | {"namespace": "on", "row_level_security": True},
    }
    tenants = [f"tenant {number}" for number in range(15)]
    async with (
        polystore.open({"backends": {"main": sides["off"]}}, stores=_STORES) as off,
        polystore.open({"backends": {"main": sides["on"]}}, stores=_STORES) as on,
    ):
        for ps in (off, on):
            await _load(ps, tenants, each)
        print(f"{len(tenants)} tenants, {each:,} vectors of {_DIMENSIONS} dimensions each\n")
        print(f"{'row-level security':34}{'off':>10}{'on':>10}{'ratio':>8}")
        for name, calls in _questions(tenants).items():
            took = await _compare({"off": calls(off), "on": calls(on)})
            _line(name, took["off"], took["on"])
        print(f"\n{'partitions':34}{'none':>10}{_PARTITIONS:>10}{'ratio':>8}{'recall':>16}")
        ask = {name: _searches(off, name, tenants) for name in ("whole", "parted")}
        took = await _compare(ask)
        recalls = [await _recall(off, name, tenants) for name in ask]
        _line("search in one of 15 tenants", took["whole"], took["parted"], recalls)


async def _load(ps: Polystore, tenants: list[str], each: int) -> None:
    random = np.random.default_rng(3)
    made = [random.normal(size=(each, _DIMENSIONS)).astype(np.float32) for _ in tenants]
    ids = [f"p{n}" for n in range(each)]
    for store in ("whole", "parted"):
        async with ps.vector(store).bulk():
            for tenant, vectors in zip(tenants, made, strict=True):
                await (
                    ps.workspace(tenant)
                    .vector(store)
                    .upsert_arrays(ids, vectors, texts=[f"number {n} of many" for n in range(each)])
                )
    for tenant in tenants:
        entries = {f"k{n}": {"n": n, "text": "x" * 250} for n in range(1000)}
        await ps.workspace(tenant).kv("entries").put_many(entries)


def _questions(tenants: list[str]) -> Mapping[str, Callable[[Polystore], Ask]]:
    entries = {f"k{n}": {"n": n, "text": "y" * 250} for n in range(1000)}
    query = np.random.default_rng(4).normal(size=(_CALLS, _DIMENSIONS)).astype(np.float32)
    first = tenants[0]

    def get(ps: Polystore) -> Ask:
        return lambda n: ps.workspace(first).kv("entries").get(f"k{n}")

    def get_in_turns(ps: Polystore) -> Ask:
        return lambda n: ps.workspace(tenants[n % len(tenants)]).kv("entries").get(f"k{n}")

    def put_many(ps: Polystore) -> Ask:
        return lambda _: ps.workspace(first).kv("entries").put_many(entries)

    def search(ps: Polystore) -> Ask:
        return lambda n: ps.workspace(first).vector("whole").search(query[n], k=_K)

    def search_text(ps: Polystore) -> Ask:
        return lambda n: ps.workspace(first).vector("whole").search_text(f"number {n}", k=_K)

    return {
        "kv get, one tenant (ms)": get,
        "kv get, another tenant each (ms)": get_in_turns,
        "kv put_many, 1,000 rows (ms)": put_many,
        "vector search (ms)": search,
        "text search (ms)": search_text,
    }


def _searches(ps: Polystore, store: str, tenants: list[str]) -> Ask:
    query = np.random.default_rng(5).normal(size=(_CALLS, _DIMENSIONS)).astype(np.float32)
    return lambda n: ps.workspace(tenants[n % len(tenants)]).vector(store).search(query[n], k=_K)


async def _recall(ps: Polystore, store: str, tenants: list[str]) -> float:
    query = np.random.default_rng(5).normal(size=(_CALLS, _DIMENSIONS)).astype(np.float32)
    found = 0
    for number, vector in enumerate(query[:60]):
        points = ps.workspace(tenants[number % len(tenants)]).vector(store)
        hits = {hit.id for hit in await points.search(vector, k=_K)}
        found += len(hits & {hit.id for hit in await points.search(vector, k=_K, exact=True)})
    return found / (60 * _K)


async def _compare(sides: Mapping[str, Ask]) -> dict[str, float]:
    """Return the median of each side in milliseconds, of calls made in turns."""
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _, name in _in_turns(sides):
        for number in range(_CALLS // _TURNS):
            start = time.perf_counter()
            await sides[name](number)
            took[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) * 1000 for name, times in took.items()}


def _in_turns(sides: Mapping[str, Ask]) -> Iterator[tuple[int, str]]:
    for turn in range(_TURNS):
        for name in sides:
            yield turn, name


def _line(name: str, before: float, after: float, recalls: list[float] | None = None) -> None:
    more = "" if recalls is None else f"{recalls[0]:>9.3f}{recalls[1]:>7.3f}"
    print(f"{name:34}{before:>10.3f}{after:>10.3f}{after / before:>8.2f}{more}")


if __name__ == "__main__":
    asyncio.run(main())
