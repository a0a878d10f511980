"""Vector stores: a collection, in which each row belongs to a workspace."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.errors import ConnectionFailed, OperationTimeout
from polystore.stores.columns import split, take
from polystore.stores.vector_driver import VectorDriver
from polystore.types.batches import Decoded, VectorBatch
from polystore.types.json_domain import encode_json, merge_patch
from polystore.types.records import Hits, Page, VectorRecord
from polystore.types.reports import Explanation
from polystore_milvus import columns, wire
from polystore_milvus.births import Births
from polystore_milvus.connection import since
from polystore_milvus.expressions import literals
from polystore_milvus.filters import compile_filter
from polystore_milvus.locks import RowLocks
from polystore_milvus.names import KEY_BYTES, key_prefix
from polystore_milvus.options import EXACT
from polystore_milvus.protocol import milvus_pb2
from polystore_milvus.reads import Rows
from polystore_milvus.rows import RECORD, Clock, Stamps, records_of, upsert_request
from polystore_milvus.search import Searcher
from polystore_milvus.times import microseconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter
    from polystore.specs import VectorSpec
    from polystore.stores.queries import FindQuery, SearchQuery
    from polystore.types.batches import Stamp
    from polystore.types.call import Call
    from polystore_milvus.catalogue import Catalogue
    from polystore_milvus.connection import Server
    from polystore_milvus.declared import Declared

_REQUEST: Final = 1000
"""Rows in a request: more take long to pack, fewer cost a round trip each."""
_REQUEST_BYTES: Final = 16 * 2**20
"""Of a request, about; a message ends at 64 MiB."""
_IN_FLIGHT: Final = 4
"""Requests of one call that are under way at the same time."""
_AGAIN: Final = 0.5
"""Seconds between attempts to seal."""
_INLINE: Final = 100
"""Rows that are packed at once; more in a thread, so that others have their turn meanwhile."""


class MilvusVector(VectorDriver):
    """Records by id.

    Args:
        server: The server.
        catalogue: Where workspaces are noted.
        collection: The store's.
        spec: What was declared.
        declared: Fields that have a column, by path.
        capabilities: What is declared of the store.
    """

    def __init__(
        self,
        server: Server,
        catalogue: Catalogue,
        collection: str,
        spec: VectorSpec,
        declared: Declared,
        capabilities: Capabilities,
    ) -> None:
        self.capabilities = capabilities
        self._server = server
        self._catalogue = catalogue
        self._collection = collection
        self._spec = spec
        self._declared = declared
        self._rows = Rows(server, collection, spec.dimensions)
        self._searcher = Searcher(server, collection, self._rows, spec)
        self._locks = RowLocks()
        self._births = Births()
        self._clock = Clock()

    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        await self._catalogue.note_workspace(self._spec.name, call.workspace)
        prefix = key_prefix(call.workspace)
        async with self._locks.hold([prefix + id_ for id_ in batch.ids]):
            await self._upsert(call, batch)

    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        """Do as the contract says; who writes the same row from elsewhere at once is not seen."""
        await self._catalogue.note_workspace(self._spec.name, call.workspace)
        prefix = key_prefix(call.workspace)
        async with self._locks.hold([prefix + id_ for id_ in batch.ids]):
            same = await self._have(call, batch.ids, seen)
            rows = [row for row, is_same in enumerate(same) if is_same]
            if rows:
                given = [
                    Stamps(version, microseconds(created), microseconds(updated))
                    for version, created, updated in (stamps[row] for row in rows)
                ]
                await self._upsert(call, take(batch, rows), given)
            return same

    @override
    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:
        prefix = key_prefix(call.workspace)
        async with self._locks.hold([prefix + id_ for id_ in ids]):
            same = await self._have(call, ids, seen)
            keys = [prefix + id_ for id_, is_same in zip(ids, same, strict=True) if is_same]
            await self._delete(keys)
            return len(keys)

    async def _have(self, call: Call, ids: list[str], versions: Sequence[int]) -> list[bool]:
        """Return whether each of `ids`, whose locks are held, has its version; 0 is none."""
        fresh = replace(call, consistency="strong")
        records = await self.get_many(fresh, ids, with_vectors=False)
        return [
            version == (0 if record is None else record.version)
            for record, version in zip(records, versions, strict=True)
        ]

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        fields = [*RECORD, columns.VECTOR] if with_vectors else list(RECORD)
        found: dict[str, VectorRecord] = {}
        async for rows in self._rows.by_ids(call, ids, fields):
            found.update({record.id: record for record in records_of(rows)})
        return [found.get(id_) for id_ in ids]

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        condition = self._compiled(query.filter)
        if condition is False:
            return [Hits(exact=True, plan="exact") for _ in query.vectors]
        wanted = condition if isinstance(condition, str) else None
        return await self._searcher.search(call, query, wanted)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        prefix = key_prefix(call.workspace)
        keys = [prefix + id_ for id_ in ids]
        async with self._locks.hold(keys):
            present = await self._present(call, keys)
            # Also what is not there as far as this client knows: another one may have written it.
            await self._delete(keys)
            return len(present)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        prefix = key_prefix(call.workspace)
        async with self._locks.hold([prefix + id_ for id_ in ids]):
            # What is written back whole must not be older than what anybody has stored.
            fresh = replace(call, consistency="strong")
            records = await self.get_many(fresh, ids, with_vectors=True)
            changes = [
                (record, merge_patch(record.metadata, patch))
                for record, patch in zip(records, patches, strict=True)
                if record is not None
            ]
            if changes:
                await self._upsert(call, _batch(changes))
            return [record is not None for record in records]

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
        condition = self._compiled(filter_)
        if condition is False:
            return Page([])
        wanted = condition if isinstance(condition, str) else None
        fields = [*RECORD, columns.VECTOR] if with_vectors else list(RECORD)
        page = await self._rows.page(call, wanted, cursor, limit, fields)
        return Page(records_of(page.rows), None if page.is_last else page.ids[-1])

    @override
    async def count(self, call: Call) -> int:
        return await self._rows.count(call)

    @override
    async def count_where(self, call: Call, filter_: Filter) -> int:
        condition = self._compiled(filter_)
        if isinstance(condition, str):
            return await self._rows.count(call, condition)
        return await self._rows.count(call) if condition else 0

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        condition = self._compiled(filter_)
        if condition is False:
            return 0
        return await self._delete_matching(call, condition if isinstance(condition, str) else None)

    @override
    async def clear(self, call: Call) -> int:
        return await self._delete_matching(call, None)

    @override
    @asynccontextmanager
    async def bulk(self, call: Call) -> AsyncGenerator[None]:
        """Seal what was written at the end, so that it gets its index."""
        yield
        try:
            async with asyncio.timeout(self._server.config.timeout):
                await self._seal()
        except TimeoutError as error:
            raise OperationTimeout(
                "what was loaded is stored, but could not be sealed in time",
                hint="Nothing is lost; the server seals it by itself later on",
                maybe_applied=True,
            ) from error

    async def _seal(self) -> None:
        request = milvus_pb2.FlushRequest(collection_names=[self._collection])
        while True:
            try:
                await self._server.change("Flush", request)
            except ConnectionFailed as error:
                if not error.retryable:
                    raise
                # Servers do not let one collection be sealed every few seconds.
                await asyncio.sleep(_AGAIN)
            else:
                return

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        exact = getattr(query, "exact", True) or self._searcher.index == EXACT
        condition = self._compiled(query.filter)
        return Explanation(
            operation=type(query).__name__,
            how="emulated" if exact and self._searcher.index != EXACT else "native",
            access="exact" if exact else "index",
            detail=(f"index {self._searcher.index}", f"filter {condition}"),
        )

    def _compiled(self, filter_: Filter | None) -> str | bool:
        """Return the filter as an expression, or what it would be for every row."""
        return True if filter_ is None else compile_filter(filter_, self._declared)

    async def _upsert(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamps] | None = None
    ) -> None:
        """Write rows whose locks are held, some requests at the same time.

        Args:
            call: The call.
            batch: The rows.
            stamps: Their system fields; None: those of a write that is made now.
        """
        parts = split(_row_bytes(batch), rows=_REQUEST, size=_REQUEST_BYTES)
        if len(parts) == 1:
            await self._write(call, batch, parts[0], stamps)
            return
        turns = asyncio.Semaphore(_IN_FLIGHT)

        async def write(part: range) -> None:
            async with turns:
                await self._write(call, batch, part, stamps)

        # Each runs to its end, and then the first error is raised.
        done = await asyncio.gather(*map(write, parts), return_exceptions=True)
        for error in done:
            if isinstance(error, ConnectionFailed | OperationTimeout):
                error.maybe_applied = True  # others may have come through
            if error is not None:
                raise error

    async def _write(
        self, call: Call, batch: VectorBatch, part: range, carried: Sequence[Stamps] | None
    ) -> None:
        prefix = key_prefix(call.workspace)
        keys = [prefix + id_ for id_ in batch.ids[part.start : part.stop]]
        if carried is None:
            stamps = await self._stamped(call, keys)
        else:
            stamps = carried[part.start : part.stop]
        given = (self._collection, call.workspace, batch, part, self._declared, keys, stamps)
        if len(part) > _INLINE:
            request = await asyncio.to_thread(upsert_request, *given)
        else:
            request = upsert_request(*given)
        stamp = await self._written("Upsert", request, keys)
        births = (one.created for one in stamps)
        self._births.note(dict(zip(keys, births, strict=True)), stamp)

    async def _stamped(self, call: Call, keys: Sequence[str]) -> list[Stamps]:
        """Return the system fields of rows, whose locks are held, when they are written now."""
        created = await self._present(call, keys)
        now = self._clock.tick()
        return [Stamps(now, created.get(key, now), now) for key in keys]

    async def _written(self, method: str, request: Any, keys: Sequence[str]) -> int:
        try:
            return await self._server.write(method, request)
        except BaseException:
            self._births.doubt(keys)
            raise

    async def _present(self, call: Call, keys: Sequence[str]) -> dict[str, int]:
        """Return when each of `keys`, whose locks are held, came into being, if it is there."""
        if call.consistency == "strong" or not self._births.is_sure(keys):
            strong = replace(call, consistency="strong")
            return await self._rows.created(keys, self._rows.freshness(strong))
        known = self._births.known(keys)
        present = {key: birth for key, birth in known.items() if birth is not None}
        unknown = [key for key in keys if key not in known]
        if unknown:
            present |= await self._rows.created(unknown, since(self._births.settled))
        return present

    async def _delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), _REQUEST):
            part = keys[start : start + _REQUEST]
            request = milvus_pb2.DeleteRequest(
                collection_name=self._collection, expr=f"{columns.KEY} in {literals(part)}"
            )
            stamp = await self._written("Delete", request, part)
            self._births.note(dict.fromkeys(part), stamp)

    async def _delete_matching(self, call: Call, condition: str | None) -> int:
        """Find the keys first: a server that deletes by filter may miss what is new."""
        deleted, last = 0, None
        call = replace(call, consistency="strong")
        while True:
            page = await self._rows.page(call, condition, last, _REQUEST, [columns.ID])
            if page.ids:
                deleted += await self.delete_many(call, page.ids)
            if page.is_last:
                return deleted
            last = page.ids[-1]


def _row_bytes(batch: VectorBatch) -> list[int]:
    """Return about how much of a request each row takes."""
    rest = batch.vectors.shape[1] * 4 + 2 * KEY_BYTES
    return [
        rest + (0 if text is None else len(text.encode())) + 3 * len(metadata)
        for text, metadata in zip(batch.texts, batch.metadata_json, strict=True)
    ]


def _batch(changes: Sequence[tuple[VectorRecord, dict[str, Any]]]) -> VectorBatch:
    texts = [
        encode_json(metadata, what=f"the metadata of record {record.id!r}")
        for record, metadata in changes
    ]
    return VectorBatch(
        [record.id for record, _ in changes],
        wire.stacked([record.vector for record, _ in changes]),
        [record.text for record, _ in changes],
        Decoded(texts),
        texts,
    )
