"""Drivers of a store that is not there: they miss what is read and drop what is written.

They stand in for a store that is declared `optional` while its backend is out of reach, so that
every answer has the shape that an empty store would give. What cannot be dropped without lying to
somebody (a comparison that others rely on, an order to delete everything) they refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from typing_extensions import override

from polystore.errors import UnsupportedError
from polystore.stores.doc_driver import DocDriver
from polystore.stores.driver import Driver
from polystore.stores.graph_driver import GraphDriver
from polystore.stores.kv_driver import KVDriver
from polystore.stores.vector_driver import VectorDriver
from polystore.types.records import GraphCounts, Hits, Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.capabilities import Capabilities, Kind
    from polystore.filters import Filter
    from polystore.stores.queries import FindQuery, SearchQuery, TextQuery
    from polystore.types.batches import Direction, DocBatch, EdgeBatch, KVBatch, NodeBatch
    from polystore.types.batches import VectorBatch as Vectors
    from polystore.types.call import Call
    from polystore.types.records import (
        Document,
        Edge,
        EdgeKey,
        KVEntry,
        LabelMatch,
        Node,
        VectorRecord,
    )
    from polystore.types.reports import Explanation


class _Nothing(Driver):
    """What the four have in common.

    Args:
        capabilities: As the store would have, so that nothing is refused that it takes.
        missed: Told how many rows were asked for.
        dropped: Told how many rows were not written or deleted.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        missed: Callable[[int], None],
        dropped: Callable[[int], None],
    ) -> None:
        self.capabilities = capabilities
        self._missed = missed
        self._dropped = dropped

    @override
    async def count(self, call: Call) -> int:
        self._missed(1)
        return 0

    @override
    async def clear(self, call: Call) -> int:
        _refuse()

    @override
    async def size_bytes(self, call: Call) -> int | None:
        _refuse()

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        _refuse()

    def _page(self, begun: object) -> Page[Any]:
        """Return an empty page; but a scan that has begun must not look as if it were whole."""
        if begun is not None:
            _refuse()
        self._missed(1)
        return Page([])

    def _absent(self, rows: int) -> list[None]:
        self._missed(rows)
        return [None] * rows

    def _deleted(self, rows: int) -> int:
        self._dropped(rows)
        return 0


class NoKeys(_Nothing, KVDriver):
    """No key has a value."""

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        return [*self._absent(len(keys))]

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        self._dropped(len(batch.keys))

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        _refuse()

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        return self._deleted(len(keys))

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        return self._page(cursor)


class NoDocuments(_Nothing, DocDriver):
    """There are no documents."""

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        return [*self._absent(len(ids))]

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        self._dropped(len(batch.ids))

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        _refuse()

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return self._deleted(len(ids))

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return self._deleted(1)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return self._page(query.after).items


class NoVectors(_Nothing, VectorDriver):
    """No record is near anything."""

    @override
    async def upsert(self, call: Call, batch: Vectors) -> None:
        self._dropped(len(batch.ids))

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        return [*self._absent(len(ids))]

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        self._missed(len(query.vectors))
        return [Hits(exact=False, plan="out of reach") for _ in query.vectors]

    @override
    async def search_text(self, call: Call, query: TextQuery) -> Hits:
        self._missed(1)
        return Hits(exact=False, plan="out of reach")

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return self._deleted(len(ids))

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return self._deleted(1)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        self._dropped(len(ids))
        return [False] * len(ids)

    @override
    async def scan_page(
        self,
        call: Call,
        filter_: Filter | None,
        cursor: str | None,
        limit: int,
        *,
        with_vectors: bool,
    ) -> Page[VectorRecord]:
        return self._page(cursor)


class NoGraph(_Nothing, GraphDriver):
    """There are no nodes, so there are no edges."""

    directed = True

    @override
    async def count(self, call: Call) -> int:
        return (await self.counts(call)).nodes

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        self._dropped(len(batch.ids))

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        self._dropped(len(batch.keys))

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        return [*self._absent(len(ids))]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        return [*self._absent(len(keys))]

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        return self._deleted(len(ids))

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        return self._deleted(len(keys))

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        self._missed(len(ids))
        return [[] for _ in ids]

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        return self._page(query.after).items

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        return self._page(cursor)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        self._missed(1)
        return GraphCounts(0, 0)

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        self._missed(1)
        return []


NOTHING: dict[Kind, type[NoKeys | NoDocuments | NoVectors | NoGraph]] = {
    "kv": NoKeys,
    "doc": NoDocuments,
    "vector": NoVectors,
    "graph": NoGraph,
}


def _refuse() -> NoReturn:
    raise UnsupportedError("this cannot be dropped", hint="Ask again when the backend is there")
