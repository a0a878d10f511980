"""Document stores: a string for each document, and a sorted set for each declared index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.errors import SchemaMismatch
from polystore.stores.doc_driver import DocDriver
from polystore.stores.queries import FindQuery
from polystore.types.records import FieldCount
from polystore.types.reports import Explanation
from polystore.types.sortkey import (
    CLASS_CONTAINER,
    CLASS_MISSING,
    decode_sort_key,
    is_truncated,
)
from polystore_redis.connection import script
from polystore_redis.doc_find import Finder
from polystore_redis.doc_index import ABOVE, Index, decode_key, first_part
from polystore_redis.doc_plan import ways
from polystore_redis.doc_rows import delete_command, put_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter, Path
    from polystore.specs import FieldOrder
    from polystore.stores.queries import SearchQuery
    from polystore.types.batches import DocBatch
    from polystore.types.call import Call
    from polystore.types.records import Document
    from polystore_redis.connection import Server
    from polystore_redis.keys import StoreKeys
    from polystore_redis.tenants import Tenants

_DISTINCT: Final = script("doc_distinct")
_VALUES: Final = 500
_CLEARED: Final = 500


class RedisDoc(DocDriver):
    """Documents by id.

    Args:
        server: The server.
        keys: Of the store.
        capabilities: Of the server.
        tenants: Notes who has data.
        orders: The declared indexes.
    """

    def __init__(
        self,
        server: Server,
        keys: StoreKeys,
        capabilities: Capabilities,
        tenants: Tenants,
        orders: Sequence[tuple[FieldOrder, ...]],
    ) -> None:
        self._server = server
        self._keys = keys
        self._tenants = tenants
        self._indexes = [Index.of(order) for order in orders]
        self.capabilities = capabilities

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        return await self._finder(call).get(ids)

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        await self._tenants.note(call.workspace)
        stored = await self._server.many(
            [
                put_command(
                    self._keys.partition(call.workspace, number), batch, positions, self._indexes
                )
                for number, positions in self._keys.split(batch.ids)
            ]
        )
        self._check_epoch(stored)

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        await self._tenants.note(call.workspace)
        part = self._keys.partition(call.workspace, self._keys.number_of(row.ids[0]))
        command = put_command(part, row, [0], self._indexes, str(version))
        stored = await self._server.command(*command)
        self._check_epoch([stored])
        return None if stored is None else int(stored)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        deleted = await self._server.many(
            [
                delete_command(
                    self._keys.partition(call.workspace, number),
                    [ids[position].encode() for position in positions],
                )
                for number, positions in self._keys.split(ids)
            ]
        )
        return sum(deleted)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return await self._finder(call).find(query)

    @override
    async def count(self, call: Call) -> int:
        parts = self._keys.all_of(call.workspace)
        return sum(await self._server.many([("ZCARD", part.ids) for part in parts]))

    @override
    async def count_where(self, call: Call, filter_: Filter | None) -> int:
        _, narrow = ways(filter_, (), self._indexes)
        if narrow is None or not narrow.covers:
            return await super().count_where(call, filter_)
        return await self._finder(call).size(narrow)

    @override
    async def count_by(self, call: Call, path: Path, filter_: Filter | None) -> list[FieldCount]:
        index = next((index for index in self._indexes if index.sorts[0].path == path), None)
        if index is None or filter_ is not None:
            return await super().count_by(call, path, filter_)
        counts = await self._distinct(call, index)
        if any(is_truncated(key) for key in counts):
            # What a key holds of a long string does not tell two of them apart.
            return await super().count_by(call, path, filter_)
        return [
            FieldCount(decode_sort_key(key), count)
            for key, count in sorted(counts.items())
            if key not in {CLASS_MISSING, CLASS_CONTAINER}
        ]

    @override
    async def clear(self, call: Call) -> int:
        deleted = 0
        for part in self._keys.all_of(call.workspace):
            while ids := await self._server.command("ZRANGE", part.ids, 0, _CLEARED - 1):
                deleted += await self._server.command(*delete_command(part, ids))
        return deleted

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        if not isinstance(query, FindQuery):
            return await super().explain(call, query)
        access, how = await self._finder(call).choose(query)
        native = access.index is not None or (query.filter is None and access.ordered)
        return Explanation(
            "find",
            "native" if native else "emulated",
            "index" if native else "exact",
            (how,),
        )

    async def _distinct(self, call: Call, index: Index) -> dict[bytes, int]:
        """Return the sort keys of the first field of an index, and how many documents have each."""
        down = index.sorts[0].descending
        counts: dict[bytes, int] = {}
        for part in self._keys.all_of(call.workspace):
            bound = b"-"
            while True:
                found: list[Any] = await self._server.run(
                    _DISTINCT,
                    [part.index(index.name)],
                    [b"\xff\xff" if down else b"\x00\x00", bound, ABOVE, _VALUES],
                )
                for member, count in zip(found[::2], found[1::2], strict=True):
                    key = decode_key(member[: first_part(member, descending=down)], descending=down)
                    counts[key] = counts.get(key, 0) + count
                if len(found) < 2 * _VALUES:
                    break
                bound = b"[" + found[-2] + ABOVE
        return counts

    def _finder(self, call: Call) -> Finder:
        return Finder(self._server, self._keys, call.workspace, self._indexes)

    def _check_epoch(self, answers: Sequence[Any]) -> None:
        if any(answer == -1 for answer in answers):
            raise SchemaMismatch(
                "an index was added since this process opened the store",
                backend=self._server.name,
                hint="Open the client again, with the store as it is declared now",
            )
