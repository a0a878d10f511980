"""A workspace as JSON Lines: everything that one tenant has in every store, out and back in.

The first line says what it is, the last one how many rows there are: a file that was cut off is
refused as a whole. Versions and times belong to the engine and are not carried over; of an entry
that expires, the moment is.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from polystore import tenants
from polystore.errors import DataCorruption, InvalidRecord
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.stores.vector import VectorStore
from polystore.types.json_domain import decode_json, encode_json, format_datetime, parse_datetime
from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from polystore.capabilities import Kind
    from polystore.runtime import Runtime
    from polystore.tenants import AnyStore

FORMAT: Final = 1
_ROWS: Final = 500
"""Rows that are written at a time."""
Row = dict[str, Any]
_KINDS: Final[dict[str, Kind]] = {
    "key": "kv",
    "node": "graph",
    "edge": "graph",
    "vector": "vector",
    "data": "doc",
}
"""Of what kind a store is whose rows have such a field."""


async def export(runtime: Runtime, workspace: str, *, batch: int) -> AsyncIterator[bytes]:
    """Yield the lines of a workspace, each with its end.

    Raises:
        ConnectionFailed: A backend is out of reach; what came so far has no last line.
    """
    yield _line({"polystore": FORMAT, "workspace": workspace})
    count = 0
    for backend in runtime.names():
        for store in await tenants.handles(runtime, workspace, backend):
            async for row in _rows(store, batch):
                count += 1
                yield _line({"store": store.name, **row})
    yield _line({"rows": count})


def _rows(store: AnyStore, batch: int) -> AsyncIterator[Row]:
    if isinstance(store, KVStore):
        return _entries(store, batch)
    if isinstance(store, DocStore):
        return _documents(store, batch)
    return _graph(store, batch) if isinstance(store, GraphStore) else _records(store, batch)


async def _entries(store: KVStore, batch: int) -> AsyncIterator[Row]:
    async for entry in store.scan(batch=batch):
        row = {"key": entry.key, **_value(entry.value)}
        if entry.expires_at is not None:
            row["expires_at"] = format_datetime(entry.expires_at)
        yield row


async def _documents(store: DocStore, batch: int) -> AsyncIterator[Row]:
    async for document in store.scan(batch=batch):
        yield {"id": document.id, "data": document.data}


async def _graph(store: GraphStore, batch: int) -> AsyncIterator[Row]:
    async for node in store.scan_nodes(batch=batch):
        yield {"node": node.id, "labels": [*node.labels], "properties": node.properties}
    async for edge in store.scan_edges(batch=batch):
        yield {"edge": [*edge.key], "properties": edge.properties}


async def _records(store: VectorStore, batch: int) -> AsyncIterator[Row]:
    async for record in store.scan(with_vectors=True, batch=batch):
        vector = np.asarray(record.vector, dtype="<f4")
        yield {
            "id": record.id,
            "vector": base64.b64encode(vector.tobytes()).decode(),
            "text": record.text,
            "metadata": record.metadata,
        }


async def load(runtime: Runtime, workspace: str, lines: Iterable[bytes]) -> int:
    """Store what `export` has yielded; return how many rows that were. See `Stores.load`."""
    count, batch = 0, _Batch(runtime, workspace)
    numbered = enumerate(lines, 1)
    _begin(next(numbered, (1, b""))[1])
    for number, line in numbered:
        row = _parsed(line, number)
        if "store" not in row:
            await batch.flush()
            if row != {"rows": count} or next(numbered, None) is not None:
                raise InvalidRecord(f"line {number} is not the end of {count} rows")
            return count
        count += 1
        await batch.add(row, number)
    await batch.flush()
    raise InvalidRecord(
        f"the last line is missing after {count} rows", hint="The file was cut off; export it anew"
    )


def _begin(line: bytes) -> None:
    first = _parsed(line, 1)
    if first.get("polystore") != FORMAT:
        raise InvalidRecord(f"line 1 does not say that this is an export of format {FORMAT}")


class _Batch:
    """Rows of one store and one sort, which are written together."""

    def __init__(self, runtime: Runtime, workspace: str) -> None:
        self._runtime = runtime
        self._workspace = workspace
        self._now = datetime.now(UTC)
        self._of: tuple[str, str] | None = None
        self._rows: list[Row] = []

    async def add(self, row: Row, number: int) -> None:
        """Take up a row, and write what goes together once it is much."""
        sort = next((name for name in _KINDS if name in row), "")
        place = str(row["store"]), sort
        if not sort:
            raise InvalidRecord(f"line {number} is no row of a store")
        if place != self._of or len(self._rows) >= _ROWS:
            await self.flush()
            self._of = place
        self._rows.append(row)

    async def flush(self) -> None:
        """Write what was taken up."""
        rows, self._rows = self._rows, []
        if self._of is None or not rows:
            return
        name, sort = self._of
        store = await tenants.strict_handle(self._runtime, self._workspace, _KINDS[sort], name)
        try:
            await self._write(store, rows)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRecord(f"a row of store {store.name!r} is not whole: {error!r}") from error

    async def _write(self, store: AnyStore, rows: list[Row]) -> None:
        if isinstance(store, KVStore):
            await self._write_entries(store, rows)
        elif isinstance(store, DocStore):
            await store.put_many([(row["id"], row["data"]) for row in rows])
        elif isinstance(store, VectorStore):
            await store.upsert([_record(row) for row in rows])
        elif "node" in rows[0]:
            await store.upsert_nodes(
                [Node(row["node"], tuple(row["labels"]), row["properties"]) for row in rows]
            )
        else:
            await store.upsert_edges([_edge(row) for row in rows])

    async def _write_entries(self, store: KVStore, rows: list[Row]) -> None:
        by_ttl: dict[float | None, list[tuple[str, Any]]] = {}
        for row in rows:
            ttl = None
            if "expires_at" in row:
                ttl = (parse_datetime(row["expires_at"]) - self._now).total_seconds()
            if ttl is None or ttl > 0:
                by_ttl.setdefault(ttl, []).append((row["key"], _given(row)))
        for ttl, items in by_ttl.items():
            await store.put_many(items, ttl=ttl)


def _record(row: Row) -> VectorRecord:
    vector = np.frombuffer(base64.b64decode(row["vector"], validate=True), dtype="<f4")
    return VectorRecord(row["id"], vector, row["text"], row["metadata"])


def _edge(row: Row) -> Edge:
    source, type_, target = row["edge"]
    return Edge(source, type_, target, row["properties"])


def _value(value: Any) -> Row:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return {"value": value}


def _given(row: Row) -> Any:
    if "bytes" in row:
        return base64.b64decode(row["bytes"], validate=True)
    return row["value"]


def _line(value: Row) -> bytes:
    return encode_json(value) + b"\n"


def _parsed(line: bytes, number: int) -> Row:
    try:
        row = decode_json(line)
    except DataCorruption:  # which is what it says of an engine's text
        raise InvalidRecord(f"line {number} is no JSON") from None
    if not isinstance(row, dict):
        raise InvalidRecord(f"line {number} is no JSON object")
    return cast("Row", row)
