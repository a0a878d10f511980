"""What the drivers of all four kinds share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from polystore.errors import Closed, PolystoreError
from polystore.stores.driver import Driver
from polystore.stores.queries import FindQuery
from polystore.types.reports import Explanation
from polystore_memory.plugin import CAPABILITIES
from polystore_memory.space import Session
from polystore_memory.tables import TableKey

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import SearchQuery
    from polystore.types.call import Call
    from polystore_memory.space import Space, Write
    from polystore_memory.tables import Table, Tables

ROWS = "rows"


class MemoryDriver(Driver):
    """A store's parts in a space.

    Every hook reads inside `with self.reading(call)` or writes inside `async with
    self.writing(call)`, and never awaits in there.
    """

    parts: ClassVar[tuple[str, ...]] = (ROWS,)

    def __init__(self, space: Space, stored: StoredSpec) -> None:
        self.space = space
        self.spec = stored.spec
        self.capabilities = CAPABILITIES[stored.spec.kind]
        self._generation = stored.generation

    def reading(self, call: Call) -> AbstractContextManager[Tables]:
        """Return the context in which a call reads."""
        return self.space.reading(self._session(call))

    def writing(self, call: Call) -> AbstractAsyncContextManager[Write]:
        """Return the context in which a call writes, wholly or not at all."""
        return self.space.writing(self._session(call))

    def key(self, call: Call, part: str = ROWS) -> TableKey:
        """Return the key of a part of this store in the call's workspace.

        Raises:
            SchemaMismatch: The store was dropped, or this generation of it.
        """
        self.space.check(self.spec.name, self._generation)
        return TableKey(self.spec.name, self._generation, call.workspace, part)

    @override
    async def count(self, call: Call) -> int:
        with self.reading(call) as tables:
            return len(tables.table(self.key(call)))

    @override
    async def clear(self, call: Call) -> int:
        async with self.writing(call) as write:
            return sum(empty(write.tables.writable(self.key(call, part))) for part in self.parts)

    @override
    async def size_bytes(self, call: Call) -> int | None:
        with self.reading(call) as tables:
            return sum(
                len("".join(key).encode()) + row.size()
                for part in self.parts
                for key, row in tables.table(self.key(call, part)).items()
            )

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        operation = "find" if isinstance(query, FindQuery) else "search"
        return Explanation(
            operation, "native", "exact", ("every row of the workspace is compared",)
        )

    def _session(self, call: Call) -> Session | None:
        session = call.session
        if session is None:
            return None
        if not isinstance(session, Session) or session.space is not self.space:
            raise PolystoreError(
                "this unit of work belongs to another backend", store=self.spec.name
            )
        if not session.open:
            raise Closed("this unit of work has ended", store=self.spec.name, hint="Open a new one")
        return session


def empty(table: Table[Any, Any]) -> int:
    """Remove every row; return how many there were."""
    keys = [key for key, _ in table.items()]
    return sum(table.remove(key) for key in keys)
