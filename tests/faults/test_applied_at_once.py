"""Several processes that change the schema at the same moment do it once, and lose nothing.

PostgreSQL's own tests do so too, there with processes that are killed meanwhile.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from faults.changes import check_answers, contents, fill

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESSES = 4
PROGRAM = """
import asyncio, json, sys
import polystore

async def main(config):
    async with polystore.open(config, schema="off") as ps:
        print("ready", flush=True)
        sys.stdin.readline()
        await ps.apply()
        assert await ps.plan() == []

asyncio.run(main(json.loads(sys.argv[1])))
"""
_POINTS = {"kind": "vector", "dimensions": 3}
DECLARED: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "redis7": (
        {"kind": "doc", "indexes": ["status"]},
        {"kind": "doc", "indexes": ["status", ["-year", "status"]]},
    ),
    "neo4j5": ({"kind": "graph"}, {"kind": "graph", "indexes": ["year"]}),
    "milvus23": (_POINTS, {**_POINTS, "fields": {"year": "integer"}}),
}


def apply_at_once(config: Mapping[str, Any]) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "it says why on standard error"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.wait() for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", DECLARED)
async def test_several_processes_apply_at_once(engine: str, request: pytest.FixtureRequest) -> None:
    server: Any = request.getfixturevalue(engine)
    block = {"use": "redis", "url": server.url} if engine == "redis7" else server.block
    namespace = f"at_once_{secrets.token_hex(6)}"
    before, after = (
        {
            "backends": {"main": {**block, "namespace": namespace}},
            "stores": {"things": dict(declared)},
        }
        for declared in DECLARED[engine]
    )
    apply_at_once(before)
    await fill(before)
    written = await contents(before)
    apply_at_once(after)
    assert await contents(after) == written
    await check_answers(after)
    server.forget(namespace)
