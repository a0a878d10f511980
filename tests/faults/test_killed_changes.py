"""A process killed before each write of a change: the next one ends as if none had been.

PostgreSQL's own tests do so at each of its statements.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from servers.killed import forked

import polystore
from polystore import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from servers.killed import Workers
    from servers.milvus import MilvusServer
    from servers.neo4j import Neo4jServer
    from servers.redis import RedisServer

    Config: TypeAlias = dict[str, Any]

ROWS = 250
WORKSPACES = ("acme", "globex")
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


@dataclass(frozen=True)
class Case:
    """A change of a store with records, on a server.

    Attributes:
        block: Of the backend, without a namespace.
        forget: Removes a namespace, so that the next one is made as quickly.
        before: The declaration that the records are written under.
        after: What it is changed to.
        way: By `apply`, or by generations (`move`).
        writes: That it takes at least.
    """

    block: Mapping[str, Any]
    forget: Callable[[str], None]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    way: str
    writes: int

    def config(self, namespace: str, spec: Mapping[str, Any]) -> Config:
        return {
            "backends": {"main": {**self.block, "namespace": namespace}},
            "stores": {"things": dict(spec)},
        }


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


async def fill(config: Config) -> None:
    kind = config["stores"]["things"]["kind"]
    async with polystore.open(config, schema="auto") as ps:
        for name in WORKSPACES:
            space, some = ps.workspace(name), range(ROWS if name == "acme" else 3)
            if kind == "doc":
                rows = {f"d{n:03}": {"status": n % 3, "year": n % 7} for n in some}
                await space.doc("things").put_many(rows)
            elif kind == "graph":
                nodes = [Node(f"n{n}", ("L",), {"year": n % 7}) for n in some]
                await space.graph("things").upsert_nodes(nodes)
                await space.graph("things").upsert_edges([Edge("n1", "t", "n2")])
            else:
                await space.vector("things").upsert(
                    VectorRecord(f"v{n}", [1, n, 2], f"text {n}", {"year": n % 7}) for n in some
                )


async def contents(config: Config) -> dict[str, list[Any]]:
    """Return every record, with its version and times; the stores are as declared, and sound."""
    kind = config["stores"]["things"]["kind"]
    found: dict[str, list[Any]] = {}
    async with polystore.open(config, schema="check") as ps:
        assert await ps.plan() == []
        assert sorted(await ps.workspaces()) == list(WORKSPACES)
        for name in WORKSPACES:
            space = ps.workspace(name)
            if kind == "doc":
                found[name] = [one async for one in space.doc("things").scan()]
            elif kind == "graph":
                found[name] = [one async for one in space.graph("things").scan_nodes()]
                found[name] += [one async for one in space.graph("things").scan_edges()]
            else:
                found[name] = [
                    (one.id, one.text, one.metadata, one.version, one.created_at, one.updated_at)
                    async for one in space.vector("things").scan()
                ]
        assert [f for f in await ps.doctor() if f.severity == "error"] == []
    return found


async def check_answers(config: Config) -> None:
    """What was changed is used, and answers as it should."""
    kind = config["stores"]["things"]["kind"]
    async with polystore.open(config, schema="check") as ps:
        space = ps.workspace("acme")
        if kind == "doc":
            order = ["-year", "status"]
            assert (await space.doc("things").explain(sort=order)).access == "index"
            page = await space.doc("things").find(sort=order, limit=ROWS)
            years = [one.data["year"] for one in page.items]
            assert years == sorted((n % 7 for n in range(ROWS)), reverse=True)
        elif kind == "graph":
            counted = await space.graph("things").count_nodes(polystore.F("year") == 3)
            assert counted == len([n for n in range(ROWS) if n % 7 == 3])
        else:
            (hit,) = await space.vector("things").search([1, 7, 2], k=1)
            assert hit.id == "v7"
            assert [one.state for one in await ps.generations("things").states()] == ["serving"]


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
