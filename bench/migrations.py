"""What changing a store costs those who use it: rows per second, and the longest wait of a writer.

`python -m bench.migrations [--rows N] [--dimensions N] [--generation]`: a field is added, the index
for nearness is changed to other kinds, and the records move to a generation of another metric,
while others read and write; on an embedded PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import polystore

if TYPE_CHECKING:
    from collections.abc import Coroutine

_CHUNK = 10_000
_INDEX = {"m": 8, "ef_construction": 32}
_STEPS: dict[str, dict[str, Any]] = {
    "a new field, filled": {"fields": {"n": "integer"}, "index": _INDEX},
    "HNSW -> IVFFlat": {"fields": {"n": "integer"}, "index": {"type": "ivfflat"}},
    "IVFFlat -> HNSW, half precision": {
        "fields": {"n": "integer"},
        "index": {"type": "hnsw", **_INDEX, "quantization": "half"},
    },
}


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=32)
    parser.add_argument("--generation", action="store_true", help="only the move to another one")
    asked = parser.parse_args()
    steps = {} if asked.generation else _STEPS
    with tempfile.TemporaryDirectory(prefix="polystore-bench-migrations-") as folder:
        await _measure(Path(folder) / "data", asked.rows, asked.dimensions, steps)


async def _measure(
    folder: Path, rows: int, dimensions: int, steps: dict[str, dict[str, Any]]
) -> None:
    before = _configured(folder, dimensions, index=_INDEX)
    async with polystore.open(before) as ps:
        await _load(ps, rows, dimensions)
        print(f"{rows:,} rows of {dimensions} dimensions\n")
        print(f"{'change':34}{'seconds':>9}{'rows/s':>9}{'writes':>8}{'longest wait, ms':>18}")
        changed: dict[str, Any] = {"index": _INDEX}
        for name, changed in steps.items():
            config = _configured(folder, dimensions, **changed)
            _tell(name, rows, *await _beside(ps, _apply(config)))
        moved = _configured(folder, dimensions, **changed, metric="l2")
        # What it declares is not there yet.
        async with polystore.open(moved, schema="off") as new:
            generations = new.generations("points")
            await generations.start()
            _tell("another generation, filled", rows, *await _beside(ps, generations.fill()))
            _tell("compared and switched to", rows, *await _beside(ps, generations.switch()))


def _tell(name: str, rows: int, took: float, waits: list[float]) -> None:
    line = f"{name:34}{took:>9.1f}{rows / took:>9.0f}{len(waits):>8}{max(waits) * 1000:>18.0f}"
    print(line, flush=True)


async def _apply(config: dict[str, Any]) -> None:
    await (await polystore.open(config).start()).close()  # embedded engines have `schema: auto`


def _configured(folder: Path, dimensions: int, **spec: Any) -> dict[str, Any]:
    block = {"use": "postgres", "embedded": True, "path": str(folder)}
    points = {"kind": "vector", "dimensions": dimensions, **spec}
    return {"backends": {"main": block}, "stores": {"points": points}}


async def _load(ps: polystore.Polystore, rows: int, dimensions: int) -> None:
    random = np.random.default_rng(1)
    async with ps.vector("points").bulk():
        for start in range(0, rows, _CHUNK):
            size = min(_CHUNK, rows - start)
            await ps.vector("points").upsert_arrays(
                [f"p{start + n}" for n in range(size)],
                random.normal(size=(size, dimensions)).astype(np.float32),
                metadata=[{"n": n} for n in range(size)],
            )


async def _beside(
    ps: polystore.Polystore, change: Coroutine[Any, Any, object]
) -> tuple[float, list[float]]:
    """Return how long the change took, and how long each write waited meanwhile."""
    waits: list[float] = []
    start = time.perf_counter()
    changing = asyncio.create_task(change)
    while not changing.done():
        began = time.perf_counter()
        # Deleting needs what every statement that writes the table needs, and every process may.
        await ps.vector("points").delete(["nobody"])
        await ps.vector("points").get("p0")
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    took = time.perf_counter() - start
    await changing
    return took, waits


if __name__ == "__main__":
    asyncio.run(main())
