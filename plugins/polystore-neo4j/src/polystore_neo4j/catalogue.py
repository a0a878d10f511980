"""The stores that exist, and the steps of the layout that were taken."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import ValidationError

from polystore.errors import Conflict, SchemaMismatch
from polystore.stored import read_stored
from polystore_neo4j.names import quoted
from polystore_neo4j.schema import Index, name_index, states, store_indexes, text_dropping

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.specdiff import StoredSpec
    from polystore_neo4j.connection import Server
    from polystore_neo4j.names import Names

_AWAIT: Final = "CALL db.awaitIndex($name, 300)"
_ATTEMPTS: Final = 6

LAYOUT: Final = (
    "1 nodes: label STORE, properties ws, id, labels, json, key, near, shape, f0, f1, ..., stamp; "
    "edges: type STORE, properties ws, source, type, target, json, stamp; "
    "a stamp is version, created, updated",
    "2 labels are searched by the full-text index on near alone: no text index on key; nodes have "
    "fold, where it differs from id, and no key, which older ones keep",
)
"""Each step of the layout in words. A step never changes once it was released."""


class Catalogue:
    """Reads and writes what is true of the stores.

    Args:
        server: The server.
        names: The names.
    """

    def __init__(self, server: Server, names: Names) -> None:
        self._server = server
        self._names = names
        self._stores = quoted(names.catalogue)
        self._layout = quoted(names.layout)
        self._lock = quoted(names.lock)

    async def read(self) -> dict[str, StoredSpec]:
        """Return the stores by name.

        Raises:
            SchemaMismatch: It has one that this version cannot read.
        """
        rows = await self._server.read(
            f"MATCH (s:{self._stores}) RETURN s.name, s.spec, s.generation, s.origin", {}
        )
        found: dict[str, StoredSpec] = {}
        for name, spec, generation, origin in rows:
            try:
                found[name] = read_stored(orjson.loads(spec), generation, origin)
            except ValidationError as error:
                raise SchemaMismatch(
                    f"what the catalogue under {self._names.namespace!r} says of this store "
                    "cannot be read",
                    backend=self._server.name,
                    store=name,
                    hint="Upgrade polystore on this machine to what the others use; if somebody "
                    "edited the catalogue, restore it from a backup",
                ) from error
        return found

    async def write(self, stored: StoredSpec) -> None:
        """Record `stored` as what is true."""
        spec = orjson.dumps(stored.document()).decode()
        await self._server.write(
            f"MERGE (s:{self._stores} {{name: $name}}) "
            "SET s.spec = $spec, s.generation = $generation, s.origin = $origin",
            {
                "name": stored.spec.name,
                "spec": spec,
                "generation": stored.generation,
                "origin": stored.origin,
            },
        )

    async def pending(self) -> list[str]:
        """Return the steps of the layout that are still to be taken.

        Raises:
            SchemaMismatch: A step was taken that this version does not know, or another one.
        """
        rows = await self._server.read(f"MATCH (s:{self._layout}) RETURN s.name, s.checksum", {})
        known = {str(number): step for number, step in enumerate(LAYOUT, 1)}
        for number, checksum in rows:
            if number not in known or checksum != _checksum(known[number]):
                raise SchemaMismatch(
                    f"step {number} of the layout under {self._names.namespace!r} is unknown here",
                    backend=self._server.name,
                    hint="Upgrade polystore-neo4j to what the others use, or choose another "
                    "namespace",
                )
        taken = {number for number, _ in rows}
        return [step for number, step in known.items() if number not in taken]

    async def lay_out(self) -> None:
        """Take the steps that are pending."""
        for label in (self._names.layout, self._names.catalogue):
            await self.make([name_index(label)])
        for stored in (await self.read()).values():
            await self._change(text_dropping(self._names.store(stored)))
        for step in await self.pending():
            await self._server.write(
                f"MERGE (s:{self._layout} {{name: $name}}) "
                "ON CREATE SET s.checksum = $checksum, s.at = datetime()",
                {"name": step.split(" ")[0], "checksum": _checksum(step)},
            )

    async def make_store(self, stored: StoredSpec) -> None:
        """Make what a store needs, where it is not there yet."""
        await self.make(store_indexes(self._names.store(stored), stored.spec))

    async def remove_store(self, stored: StoredSpec) -> None:
        """Drop the indexes of a store that has no nodes any more, and forget it."""
        indexes = store_indexes(self._names.store(stored), stored.spec)
        for found in await states(self._server, indexes):
            if found.state not in {"missing", "foreign"}:
                await self._change(found.index.dropping)
        await self._server.write(
            f"MATCH (s:{self._stores} {{name: $name}}) DELETE s", {"name": stored.spec.name}
        )

    async def make(self, indexes: Sequence[Index]) -> None:
        """Make constraints and indexes, and wait until they are filled.

        Raises:
            SchemaMismatch: Another one has such a name.
        """
        for found in await states(self._server, list(indexes)):
            if found.state == "foreign":
                raise SchemaMismatch(
                    f"another index or constraint is called {found.index.name!r}",
                    backend=self._server.name,
                    hint="Drop it, or choose another namespace for polystore",
                )
            if found.state == "failed":
                await self._change(f"DROP INDEX {quoted(found.index.name)} IF EXISTS")
            # A statement that has nothing to make waits for locks all the same.
            if found.state in {"missing", "failed"}:
                await self._change(found.index.statement)
            await self._server.read(_AWAIT, {"name": found.index.name})

    async def _change(self, statement: str) -> None:
        """Change the schema, again where the server ended one of two that waited in a circle."""
        for attempt in range(_ATTEMPTS):
            try:
                await self._server.write(statement, {})
            except Conflict as error:
                if not error.retryable or attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Hold off every other process that would change the schema.

        It is the lock on a node, held by an open transaction: who dies lets go of it.
        """
        await self.make([name_index(self._names.lock)])
        async with self._server.transaction() as transaction:
            await transaction.run(
                f"MERGE (l:{self._lock} {{name: 'schema'}}) SET l.at = datetime()", {}
            )
            yield


def _checksum(step: str) -> str:
    return sha256(step.encode()).hexdigest()
