"""The stores that exist, and the steps of the layout that were taken."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import ValidationError

from polystore.errors import Conflict, OperationTimeout, SchemaMismatch
from polystore.stored import read_stored
from polystore.types.json_domain import format_datetime
from polystore_redis.connection import script

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore.specdiff import StoredSpec
    from polystore_redis.connection import Server
    from polystore_redis.keys import Names

_RELEASE: Final = script("lock_release")
_RENEW: Final = script("lock_renew")
_HELD: Final = 30_000
"""Milliseconds after which the lock of a process that is gone is free."""
_PATIENCE: Final = 120.0

LAYOUT: Final = (
    "1 keys: {store.generation:workspace:partition}, rows r:ID, ids i, expiry x, version v, "
    "indexes n:NAME; a row begins with version, created, updated as 8 bytes each",
)
"""Each step of the layout in words. A step never changes once it was released."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A store as the catalogue has it.

    Attributes:
        stored: What was applied.
        partitions: Into how many slots each of its workspaces is spread.
    """

    stored: StoredSpec
    partitions: int


class Catalogue:
    """Reads and writes what is true of the stores.

    Args:
        server: The server.
        names: The keys.
    """

    def __init__(self, server: Server, names: Names) -> None:
        self._server = server
        self._names = names

    async def read(self) -> dict[str, Placed]:
        """Return the stores by name.

        Raises:
            SchemaMismatch: It has one that this version cannot read.
        """
        answer: list[bytes] = await self._server.command("HGETALL", self._names.catalogue)
        rows = _pairs(answer)
        return {name: self._placed(name, row) for name, row in rows.items()}

    async def write(self, placed: Placed) -> None:
        """Record `placed` as what is true."""
        spec = placed.stored.spec
        row = {
            "spec": placed.stored.document(),
            "generation": placed.stored.generation,
            "origin": placed.stored.origin,
            "partitions": placed.partitions,
        }
        await self._server.command("HSET", self._names.catalogue, spec.name, orjson.dumps(row))

    async def remove(self, name: str) -> None:
        """Forget a store."""
        await self._server.command("HDEL", self._names.catalogue, name)

    async def pending(self) -> list[str]:
        """Return the steps of the layout that are still to be taken.

        Raises:
            SchemaMismatch: A step was taken that this version does not know, or another one.
        """
        answer: list[bytes] = await self._server.command("HGETALL", self._names.layout)
        taken = _pairs(answer)
        known = {str(number): step for number, step in enumerate(LAYOUT, 1)}
        for number, row in taken.items():
            if number not in known or orjson.loads(row)["checksum"] != _checksum(known[number]):
                raise SchemaMismatch(
                    f"step {number} of the layout under {self._names.namespace!r} is unknown here",
                    backend=self._server.name,
                    hint="Upgrade polystore-redis to what the others use, or choose another "
                    "namespace",
                )
        return [step for number, step in known.items() if number not in taken]

    async def lay_out(self) -> None:
        """Record the steps that are pending."""
        for step in await self.pending():
            row = {"checksum": _checksum(step), "at": format_datetime(datetime.now(UTC))}
            number = step.split(" ")[0]
            await self._server.command("HSETNX", self._names.layout, number, orjson.dumps(row))

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Hold off every other process that would change the schema.

        Raises:
            OperationTimeout: Somebody else has held it for two minutes.
            Conflict: It was lost meanwhile, as this process was held up for half a minute.
        """
        token = secrets.token_hex(16)
        await self._take(token)
        keeper = asyncio.create_task(self._keep(token))
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
            kept = await self._server.run(_RELEASE, [self._names.lock], [token])
        if not kept:
            raise Conflict(
                "the lock on the schema was lost meanwhile",
                backend=self._server.name,
                hint="Run `polystore plan` to see what is still to be done",
                retryable=True,
            )

    async def _take(self, token: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while not await self._server.command("SET", self._names.lock, token, "NX", "PX", _HELD):
            if loop.time() > deadline:
                raise OperationTimeout(
                    "somebody else changes the schema",
                    backend=self._server.name,
                    hint="Wait for the other `polystore apply`, then repeat",
                    maybe_applied=False,
                )
            await asyncio.sleep(0.05)

    async def _keep(self, token: str) -> None:
        while True:
            await asyncio.sleep(_HELD / 3000)
            await self._server.run(_RENEW, [self._names.lock], [token, _HELD])

    def _placed(self, name: str, row: bytes) -> Placed:
        try:
            known = orjson.loads(row)
            stored = read_stored(known["spec"], known["generation"], known["origin"])
            return Placed(stored, known["partitions"])
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise SchemaMismatch(
                f"what the catalogue under {self._names.namespace!r} says of this store cannot "
                "be read",
                backend=self._server.name,
                store=name,
                hint="Upgrade polystore on this machine to what the others use; if somebody "
                "edited the catalogue, restore it from a backup",
            ) from error


def _pairs(answer: list[bytes] | dict[bytes, bytes]) -> dict[str, bytes]:
    if isinstance(answer, dict):
        return {name.decode(): value for name, value in answer.items()}
    return {name.decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}


def _checksum(step: str) -> str:
    return sha256(step.encode()).hexdigest()
