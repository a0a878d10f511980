"""The command: `python -m bench [--quick | --full] [--only NAME] [--json FILE] [...]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import doc, graph, kv, lightrag, milvus, neo4j, real, redis, typed, vector
from bench.compare import earlier, slower
from bench.context import opened
from bench.measure import measure
from bench.peers import operations as peers
from bench.report import cells, json_line, table
from bench.sizes import DEFAULT, FULL, QUICK

if TYPE_CHECKING:
    from bench.measure import Result
    from bench.sizes import Sizes

_KINDS = {
    "kv": kv.cases,
    "doc": doc.cases,
    "vector": vector.cases,
    "real": real.cases,
    "graph": graph.cases,
    "typed": typed.cases,
    "redis": redis.cases,
    "milvus": milvus.cases,
    "neo4j": neo4j.cases,
    "lightrag": lightrag.cases,
    "peers": peers.cases,
}


async def run(folder: Path, sizes: Sizes, only: str) -> list[Result]:
    """Measure every operation whose name begins with `only`, and tell of each when it is done."""
    results: list[Result] = []
    async with opened(folder, sizes) as bench:
        version = await bench.driver.fetchval("SHOW server_version")
        print(
            f"PostgreSQL {version}, Python {platform.python_version()}, {os.cpu_count()} cores\n",
            file=sys.stderr,
        )
        for kind, cases in _KINDS.items():
            if not (kind.startswith(only) or only.startswith(kind)):
                continue
            async for case in cases(bench):
                if case.name.startswith(only):
                    results.append(await measure(case))
                    name, _, ours, driver, unit, ratio, same, _, recall = cells(results[-1])
                    line = f"{name:40}{ours:>10}{driver:>10} {unit:8}{ratio:>6}{same:>6}  {recall}"
                    print(line, file=sys.stderr, flush=True)
    return results


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes: whether it works at all")
    size.add_argument("--full", action="store_true", help="large sizes: half an hour and more")
    parser.add_argument("--only", default="", metavar="NAME", help="operations that begin so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append a line per operation")
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="exit with 1 if slower than that --json says"
    )
    arguments = parser.parse_args()
    before = {} if arguments.against is None else earlier(arguments.against)
    sizes = QUICK if arguments.quick else FULL if arguments.full else DEFAULT
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="polystore-bench-") as folder:
        results = asyncio.run(run(Path(folder), sizes, arguments.only))
    if not results:
        print(f"no operation begins with {arguments.only!r}", file=sys.stderr)
        return 2
    print(f"\n{table(results)}\n")
    print(f"{time.monotonic() - start:.0f} s. A ratio is the speed of ours with the driver's as 1.")
    if arguments.json is not None:
        with arguments.json.open("ab") as file:
            file.writelines(map(json_line, results))
    fallen = slower(results, before)
    for one in fallen:
        print(f"slower: {one.operation}: {one.before:.2f} before, {one.now:.2f} now")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
