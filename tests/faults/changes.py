"""Changes of stores with records on Redis, Neo4j and Milvus, and what has to be true after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polystore
from polystore import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Config: TypeAlias = dict[str, Any]

ROWS = 250
WORKSPACES = ("acme", "globex")


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
