"""The stores that exist, the steps of the layout that were taken, the workspaces with data.

They are rows of one collection, for Milvus keeps nothing outside of collections. It has no locks
and no comparison before a write either: making something twice makes it once, so that processes
which change the schema at the same time need none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from polystore.errors import SchemaMismatch
from polystore.stored import read_stored
from polystore.types.json_domain import format_datetime
from polystore_milvus import collections, wire
from polystore_milvus.capabilities import TEXT_BYTES
from polystore_milvus.columns import KEY, VECTOR
from polystore_milvus.expressions import literal, literals, starting_with
from polystore_milvus.names import KEY_BYTES
from polystore_milvus.protocol import milvus_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.specdiff import StoredSpec
    from polystore_milvus.connection import Server
    from polystore_milvus.names import Names

_VALUE: Final = "value"
_STEP, _STORE, _WORKSPACE = "layout:", "store:", "workspace:"
_ROWS: Final = 1000

LAYOUT: Final = (
    "1 a collection for each store: pk, workspace, id, vector, text, metadata, facts, version, "
    "created_at, updated_at; pk is the workspace's bytes, a colon, workspace and id",
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
        self._name = names.catalogue
        self._namespace = names.namespace
        self._noted: set[str] = set()

    async def read(self) -> dict[str, StoredSpec]:
        """Return the stores by name.

        Raises:
            SchemaMismatch: It has one that this version cannot read.
        """
        found: dict[str, StoredSpec] = {}
        for name, row in (await self._rows(_STORE)).items():
            try:
                found[name] = read_stored(row["spec"], row["generation"], row["origin"])
            except ValidationError as error:
                raise SchemaMismatch(
                    f"what the catalogue under {self._namespace!r} says of this store cannot be "
                    "read",
                    backend=self._server.name,
                    store=name,
                    hint="Upgrade polystore on this machine to what the others use; if somebody "
                    "edited the catalogue, restore it from a backup",
                ) from error
        return found

    async def write(self, stored: StoredSpec) -> None:
        """Record `stored` as what is true."""
        row = {
            "spec": stored.document(),
            "generation": stored.generation,
            "origin": stored.origin,
        }
        await self._put(_STORE + stored.spec.name, row)

    async def remove(self, name: str) -> None:
        """Forget a store; the workspaces that it had are looked for in vain from then on."""
        request = milvus_pb2.DeleteRequest(
            collection_name=self._name, expr=f"{KEY} in {literals([_STORE + name])}"
        )
        await self._server.write("Delete", request, timeout=self._server.config.timeout)

    async def pending(self) -> list[str]:
        """Return the steps of the layout that are still to be taken.

        Raises:
            SchemaMismatch: A step was taken that this version does not know, or another one.
        """
        taken = await self._rows(_STEP)
        known = {str(number): step for number, step in enumerate(LAYOUT, 1)}
        for number, row in taken.items():
            if number not in known or row["checksum"] != _checksum(known[number]):
                raise SchemaMismatch(
                    f"step {number} of the layout under {self._namespace!r} is unknown here",
                    backend=self._server.name,
                    hint="Upgrade polystore-milvus to what the others use, or choose another "
                    "namespace",
                )
        return [step for number, step in known.items() if number not in taken]

    async def lay_out(self) -> None:
        """Take the steps that are pending."""
        if not await self._server.has_collection(self._name):
            await collections.create(self._server, self._name, _fields())
        await self._check()
        await collections.index_vectors(self._server, self._name, "FLAT", "L2", {})
        await collections.load(self._server, self._name)
        for step in await self.pending():
            row = {"checksum": _checksum(step), "at": format_datetime(datetime.now(UTC))}
            await self._put(_STEP + step.split(" ")[0], row)

    async def note_workspace(self, store: str, workspace: str) -> None:
        """Make sure that `workspace` is known to have had data in `store`."""
        key = f"{_WORKSPACE}{store}:{workspace}"
        if key not in self._noted:
            await self._put(key, {})
            self._noted.add(key)

    async def noted_workspaces(self, store: str) -> list[str]:
        """Return the workspaces that have, or had, data in `store`."""
        return sorted(await self._rows(f"{_WORKSPACE}{store}:"))

    async def _is_laid_out(self) -> bool:
        """Return whether the collection is whole; one that was released is loaded again."""
        if not await self._server.has_collection(self._name):
            return False
        await self._check()
        return await collections.is_loaded(self._server, self._name)

    async def _check(self) -> None:
        found = await collections.described(self._server, self._name)
        if found != collections.in_words(_fields()):
            raise SchemaMismatch(
                f"the collection {self._name} is none of polystore's",
                backend=self._server.name,
                hint="Rename or drop it, or choose another namespace",
            )

    async def _rows(self, prefix: str) -> dict[str, Any]:
        """Return the values of the rows whose key begins with `prefix`, by the rest of the key."""
        if not await self._is_laid_out():
            return {}
        freshness = self._server.freshness(self._name, "strong")
        found: dict[str, Any] = {}
        condition, last = starting_with(KEY, prefix), ""
        while True:
            above = f"{condition} and {KEY} > {literal(last)}" if last else condition
            answer = await self._server.look(
                "Query",
                wire.query(self._name, above, [KEY, _VALUE], freshness, limit=_ROWS, ordered=True),
            )
            rows = wire.columns_of(answer.fields_data)
            for key, value in zip(rows[KEY], rows[_VALUE], strict=True):
                found[key.removeprefix(prefix)] = orjson.loads(value)
                last = key
            if len(rows[KEY]) < _ROWS:
                return found

    async def _put(self, key: str, row: Mapping[str, Any]) -> None:
        request = milvus_pb2.UpsertRequest(collection_name=self._name, num_rows=1)
        wire.add_texts(request, KEY, [key])
        wire.add_texts(request, _VALUE, [orjson.dumps(row).decode()])
        wire.add_vectors(request, VECTOR, wire.NOWHERE)
        await self._server.write("Upsert", request, timeout=self._server.config.timeout)


def _fields() -> list[Any]:
    fields = [
        collections.text_field(KEY, KEY_BYTES),
        collections.text_field(_VALUE, TEXT_BYTES),
        collections.vector_field(wire.NOWHERE.shape[1]),
    ]
    fields[0].is_primary_key = True
    return fields


def _checksum(step: str) -> str:
    return sha256(step.encode()).hexdigest()
