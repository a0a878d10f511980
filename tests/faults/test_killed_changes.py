"""A process killed before each write of a change: the next one ends as if none had been.

PostgreSQL's own tests do so at each of its statements.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from servers.killed import forked

from faults.changes import Case, check_answers, contents, fill

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.killed import Workers
    from servers.milvus import MilvusServer
    from servers.neo4j import Neo4jServer
    from servers.redis import RedisServer

PROGRAM = """
import asyncio, importlib, os, signal
import polystore

classes = {}
for plugin in ("redis", "neo4j", "milvus"):
    classes[plugin] = importlib.import_module(f"polystore_{plugin}.connection").Server
requests = {
    "redis": ("command", "run"),
    "neo4j": ("write",),
    "milvus": ("change", "write"),
}

# Killed at one, a process leaves what it leaves at the next request, or what comes to the same:
# an index that is not there yet, and a collection that is not loaded yet.
passed_over = (
    "GET", "HGETALL", "SMEMBERS", "ZRANGE",
    "CreateIndex", "Flush", "LoadCollection",
)

def kill_before(plugin, at):
    sent = 0
    server = classes[plugin]

    def counted(plain):
        async def send(self, *arguments, **how):
            nonlocal sent
            if arguments[0] not in passed_over:
                if sent == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                sent += 1
            return await plain(self, *arguments, **how)
        return send

    for name in requests[plugin]:
        setattr(server, name, counted(getattr(server, name)))

async def change(config, way):
    async with polystore.open(config, schema="off") as ps:
        if way == "apply":
            await ps.apply()
            return
        generations = ps.generations("things")
        there = [one.state for one in await generations.states()]
        if "old" not in there and await ps.plan():
            await generations.start()
            await generations.fill(batch=150)
            await generations.switch()
            there.append("old")
        if "old" in there:
            await generations.drop()

def work(config, way, at=None):
    kill_before(config["backends"]["main"]["use"], at)
    asyncio.run(change(config, way))
"""


@pytest.fixture(scope="module")
def workers() -> Generator[Workers]:
    with forked(PROGRAM) as workers:
        yield workers


@pytest.fixture
def redis_case(redis7: RedisServer) -> Case:
    return Case(
        {"use": "redis", "url": redis7.url},
        redis7.forget,
        {"kind": "doc", "indexes": ["status"]},
        {"kind": "doc", "indexes": ["status", ["-year", "status"]]},
        "apply",
        10,
    )


@pytest.fixture
def neo4j_case(neo4j5: Neo4jServer) -> Case:
    return Case(
        neo4j5.block,
        neo4j5.forget,
        {"kind": "graph"},
        {"kind": "graph", "indexes": ["year"]},
        "apply",
        4,
    )


@pytest.fixture
def milvus_case(milvus23: MilvusServer) -> Case:
    spec = {"kind": "vector", "dimensions": 3, "fields": {"year": "integer"}}
    return Case(
        milvus23.block,
        milvus23.forget,
        spec | {"metric": "cosine"},
        spec | {"metric": "l2"},
        "move",
        12,
    )


def expire(case: Case, namespace: str, redis7: RedisServer) -> None:
    """Let what a dead process held on Redis run out now, and not in half a minute."""
    if case.block["use"] == "redis":
        with redis7.client() as server:
            server.delete(f"{namespace}:lock")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ["redis", "neo4j", "milvus"])
async def test_killed_before_each_write(
    engine: str, workers: Workers, redis7: RedisServer, request: pytest.FixtureRequest
) -> None:
    case: Case = request.getfixturevalue(f"{engine}_case")
    start, goal = case.before, case.after
    namespace, written = "", {}
    at, done = 0, False
    while not done:
        if not namespace:
            namespace = f"killed_{secrets.token_hex(6)}"
            await fill(case.config(namespace, start))
            written = await contents(case.config(namespace, start))
        after = case.config(namespace, goal)
        done = workers.run(after, case.way, at)
        expire(case, namespace, redis7)
        assert workers.run(after, case.way)
        assert await contents(after) == written, f"killed before write {at}"
        await check_answers(after)
        at += not done
        if case.way == "move" and not done:
            start, goal = goal, start  # records move back as well
        else:
            case.forget(namespace)
            namespace = ""
    assert at >= case.writes
