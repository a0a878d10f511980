"""Reading rows of one workspace: by key, and page by page in order of id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import DataCorruption, LimitExceeded
from polystore_milvus import wire
from polystore_milvus.capabilities import MOST_HITS
from polystore_milvus.columns import CREATED, ID, KEY, VECTOR
from polystore_milvus.expressions import literals
from polystore_milvus.names import after, in_workspace, key_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from polystore.types.call import Call
    from polystore_milvus.connection import Freshness, Server

    Columns = dict[str, Any]

_KEYS: Final = 1000
"""Keys in one expression, which takes time to parse."""
_COUNT: Final = "count(*)"


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows, in order of id.

    Attributes:
        ids: Their ids.
        rows: Their columns.
        is_last: Whether no more rows match.
    """

    ids: list[str]
    rows: Columns
    is_last: bool


class Rows:
    """The rows of a collection.

    Args:
        server: The server.
        collection: Its name.
        dimensions: Of its vectors.
    """

    def __init__(self, server: Server, collection: str, dimensions: int) -> None:
        self._server = server
        self._collection = collection
        self._vector_bytes = 4 * dimensions
        self._fitting = MOST_HITS
        """How many rows an answer has room for, as far as is known: that depends on their size."""

    def freshness(self, call: Call) -> Freshness:
        """Return how fresh a read of `call` is."""
        return self._server.freshness(self._collection, call.consistency)

    async def count(self, call: Call, condition: str | None = None) -> int:
        """Return how many rows of the workspace match."""
        expression = in_workspace(call.workspace)
        if condition is not None:
            expression = f"{expression} and {condition}"
        request = wire.query(self._collection, expression, [_COUNT], self.freshness(call))
        answer = await self._server.ask("Query", request)
        return int(answer.fields_data[0].scalars.long_data.data[0])

    async def created(self, keys: Sequence[str], freshness: Freshness) -> dict[str, int]:
        """Return when the rows that are there came into being, by key."""
        found: dict[str, int] = {}
        for start in range(0, len(keys), _KEYS):
            condition = f"{KEY} in {literals(keys[start : start + _KEYS])}"
            request = wire.query(self._collection, condition, [KEY, CREATED], freshness)
            rows = wire.columns_of((await self._server.ask("Query", request)).fields_data)
            found.update(zip(rows[KEY], rows[CREATED], strict=True))
        return found

    async def by_ids(
        self, call: Call, ids: Sequence[str], fields: Sequence[str]
    ) -> AsyncIterator[Columns]:
        """Yield the rows of `ids` that are there, in any order, as columns."""
        prefix, freshness = key_prefix(call.workspace), self.freshness(call)
        start, most = 0, min(_KEYS, self._most(fields))
        while start < len(ids):
            limit = min(most, self._fitting)
            part = ids[start : start + limit]
            condition = f"{KEY} in {literals(prefix + id_ for id_ in part)}"
            request = wire.query(self._collection, condition, fields, freshness)
            try:
                answer = await self._server.ask("Query", request)
            except LimitExceeded as error:
                self._shrink(limit, error)
                continue
            self._grow(limit)
            yield wire.columns_of(answer.fields_data)
            start += len(part)

    async def page(
        self,
        call: Call,
        condition: str | None,
        after_id: str | None,
        limit: int,
        fields: Sequence[str],
    ) -> RowPage:
        """Return up to `limit` rows that match, with ids above `after_id`, in order of id.

        Fewer where the server finds so many too large for one answer.
        """
        inside = after(call.workspace, after_id)
        if condition is not None:
            inside = f"{inside} and {condition}"
        most = min(limit, self._most(fields))
        while True:
            limit = min(most, self._fitting)
            request = wire.query(
                self._collection, inside, fields, self.freshness(call), limit=limit, ordered=True
            )
            try:
                answer = await self._server.ask("Query", request)
            except LimitExceeded as error:
                self._shrink(limit, error)
                continue
            self._grow(limit)
            return self._in_order(wire.columns_of(answer.fields_data), limit)

    def _in_order(self, rows: Columns, limit: int) -> RowPage:
        ids: list[str] = list(rows[ID])
        if ids != sorted(set(ids)) or len(ids) > limit:
            raise DataCorruption(
                f"the rows of {self._collection} did not come by key",
                backend=self._server.name,
                hint="Is the server of a version that polystore was tested with?",
            )
        return RowPage(ids, rows, is_last=len(ids) < limit)

    def _shrink(self, limit: int, error: LimitExceeded) -> None:
        """Ask for fewer rows from now on than `limit`, which were too much."""
        if limit == 1:
            raise error
        self._fitting = max(1, limit // 4)

    def _grow(self, limit: int) -> None:
        """Ask for a little more again where `limit` rows, the most so far, were not too much."""
        if limit == self._fitting < MOST_HITS:
            self._fitting += 1 + limit // 16

    def _most(self, fields: Sequence[str]) -> int:
        if VECTOR not in fields:
            return MOST_HITS
        return max(1, min(MOST_HITS, 2**23 // self._vector_bytes))
