"""The same small store of each kind, so that a scenario is written once for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.capabilities import Capabilities, Kind
    from polystore.client import Polystore, Workspace
    from polystore.units.unit import UnitOfWork

    Stores = Polystore | Workspace | UnitOfWork

Reads = dict[str, "Callable[[], Awaitable[object]]"]


class Subject(ABC):
    """One store, of which every row has a number and something to make it as large as wished.

    Args:
        stores: The client, a workspace of it, or a unit of work.
        timeout: Seconds that a call may take; None: the backend's.
    """

    name: ClassVar[str]
    spec: ClassVar[dict[str, Any]]

    def __init__(self, stores: Stores, timeout: float | None = None) -> None:
        self.stores = stores
        handle = self.open()
        # Handles of a unit have no deadline of their own.
        self.handle = handle if timeout is None else handle.with_options(timeout=timeout)

    @abstractmethod
    def open(self) -> Any:
        """Return the handle."""

    @abstractmethod
    async def write(self, rows: dict[str, int], pad: int = 0) -> None:
        """Store rows in one call; `pad` more bytes in each."""

    @abstractmethod
    async def read(self, ids: list[str]) -> list[int | None]:
        """Return the numbers of rows in one call, None where a row is absent."""

    @abstractmethod
    async def scan(self) -> dict[str, int]:
        """Return every row."""

    async def count(self) -> int:
        """Return how many rows there are."""
        return await self.handle.count()

    async def delete(self, id_: str) -> object:
        """Delete a row."""
        return await self.handle.delete(id_)

    async def capabilities(self) -> Capabilities:
        """Return what the store can do."""
        return await self.handle.capabilities()

    def reads(self, known: str, absent: str) -> Reads:
        """Return reads by name, each of which may say "nothing" only if that is certain."""
        return {
            "read": lambda: self.read([known]),
            "read absent": lambda: self.read([absent]),
            "read many": lambda: self.read([known, absent]),
            "scan": self.scan,
            "count": self.count,
        }

    async def read_one(self, id_: str) -> int | None:
        """Return the number of one row, None if it is absent."""
        return (await self.read([id_]))[0]


def _row(number: int, pad: int) -> dict[str, Any]:
    return {"n": number, "pad": "x" * pad}


class KVSubject(Subject):
    """Key-value."""

    name = "fault_kv"
    spec: ClassVar = {"kind": "kv"}

    @override
    def open(self) -> Any:
        return self.stores.kv(self.name)

    @override
    async def write(self, rows: dict[str, int], pad: int = 0) -> None:
        await self.handle.put_many({id_: _row(n, pad) for id_, n in rows.items()})

    @override
    async def read(self, ids: list[str]) -> list[int | None]:
        return [value and value["n"] for value in await self.handle.get_many(ids)]

    @override
    async def scan(self) -> dict[str, int]:
        return {entry.key: entry.value["n"] async for entry in self.handle.scan()}

    @override
    def reads(self, known: str, absent: str) -> Reads:
        handle = self.handle
        return {
            **super().reads(known, absent),
            "get": lambda: handle.get(absent),
            "missing": lambda: handle.missing([known, absent]),
            "delete absent": lambda: handle.delete(absent),
        }


class DocSubject(Subject):
    """Documents."""

    name = "fault_docs"
    spec: ClassVar = {"kind": "doc", "indexes": ["n"]}

    @override
    def open(self) -> Any:
        return self.stores.doc(self.name)

    @override
    async def write(self, rows: dict[str, int], pad: int = 0) -> None:
        await self.handle.put_many({id_: _row(n, pad) for id_, n in rows.items()})

    @override
    async def read(self, ids: list[str]) -> list[int | None]:
        return [found and found.data["n"] for found in await self.handle.get_many(ids)]

    @override
    async def scan(self) -> dict[str, int]:
        return {found.id: found.data["n"] async for found in self.handle.scan()}

    @override
    def reads(self, known: str, absent: str) -> Reads:
        handle = self.handle
        return {
            **super().reads(known, absent),
            "get": lambda: handle.get(absent),
            "find": lambda: handle.find({"n": -1}),
            "count_by": lambda: handle.count_by("n"),
            "delete by filter": lambda: handle.delete(filter={"n": -1}),
        }


class VectorSubject(Subject):
    """Vectors; the number and the padding are metadata."""

    name = "fault_vectors"
    spec: ClassVar = {"kind": "vector", "dimensions": 4, "fields": {"n": "integer"}}

    @override
    def open(self) -> Any:
        return self.stores.vector(self.name)

    @override
    async def write(self, rows: dict[str, int], pad: int = 0) -> None:
        await self.handle.upsert(
            VectorRecord(id_, [1.0, n, 0.0, 0.0], "text", _row(n, pad)) for id_, n in rows.items()
        )

    @override
    async def read(self, ids: list[str]) -> list[int | None]:
        return [found and found.metadata["n"] for found in await self.handle.get_many(ids)]

    @override
    async def scan(self) -> dict[str, int]:
        return {found.id: found.metadata["n"] async for found in self.handle.scan()}

    @override
    def reads(self, known: str, absent: str) -> Reads:
        handle, query = self.handle, [1.0, 0.0, 0.0, 0.0]
        return {
            **super().reads(known, absent),
            "get": lambda: handle.get(absent),
            "search": lambda: handle.search(query, k=3),
            "search with a filter": lambda: handle.search(query, k=3, filter={"n": -1}),
        }


class GraphSubject(Subject):
    """Nodes, each with an edge to itself that bears the same number."""

    name = "fault_graph"
    spec: ClassVar = {"kind": "graph"}

    @override
    def open(self) -> Any:
        return self.stores.graph(self.name)

    @override
    async def write(self, rows: dict[str, int], pad: int = 0) -> None:
        await self.handle.upsert_nodes(Node(id_, (), _row(n, pad)) for id_, n in rows.items())
        await self.handle.upsert_edges(Edge(id_, "t", id_, {"n": n}) for id_, n in rows.items())

    @override
    async def read(self, ids: list[str]) -> list[int | None]:
        return [found and found.properties["n"] for found in await self.handle.get_nodes(ids)]

    @override
    async def scan(self) -> dict[str, int]:
        return {node.id: node.properties["n"] async for node in self.handle.scan_nodes()}

    @override
    async def count(self) -> int:
        return (await self.handle.count()).nodes

    @override
    async def delete(self, id_: str) -> object:
        return await self.handle.delete_nodes(id_, detach=True)

    @override
    def reads(self, known: str, absent: str) -> Reads:
        handle = self.handle
        return {
            **super().reads(known, absent),
            "get_node": lambda: handle.get_node(absent),
            "get_edge": lambda: handle.get_edge(absent, "t", absent),
            "neighbors": lambda: handle.neighbors(absent),
            "degrees": lambda: handle.degrees([absent]),
            "shortest_path": lambda: handle.shortest_path(known, absent),
            "subgraph": lambda: handle.subgraph([known], depth=2),
        }


SUBJECTS: dict[Kind, type[Subject]] = {
    "kv": KVSubject,
    "vector": VectorSubject,
    "graph": GraphSubject,
    "doc": DocSubject,
}
