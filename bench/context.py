"""The server that both sides share, and the way of each to it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg
import numpy as np
import orjson

import polystore
from polystore import DocSpec, GraphSpec, IndexSpec, KVSpec, VectorSpec
from polystore.bench.records import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from pathlib import Path

    from bench.sizes import Sizes
    from polystore import Polystore
    from polystore.bench.records import Vectors

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row: TypeAlias = "asyncpg.Record"

CALLERS = 16
CROWD = 64
"""Callers who each read one key at the same time."""
_POOL = 16
INDEX = IndexSpec(type="hnsw")
REAL_DIMENSIONS = 256
REAL_INDEXES: tuple[tuple[str, Literal["none", "half", "binary"]], ...] = (
    ("full", "none"),
    ("half", "half"),
    ("bits", "binary"),
)
"""Of real embeddings: what the index is called here, and its quantization."""
STORES = (
    KVSpec(name="entries"),
    DocSpec(name="papers", indexes=(("status",), ("rank",))),
    VectorSpec(name="plain", dimensions=DIMENSIONS, index=IndexSpec(type="none")),
    VectorSpec(name="growing", dimensions=DIMENSIONS, index=INDEX),
    VectorSpec(
        name="corpus",
        dimensions=DIMENSIONS,
        index=INDEX,
        fields={"percent": "integer", "tenth": "integer"},
    ),
    VectorSpec(
        name="half",
        dimensions=DIMENSIONS,
        index=IndexSpec(type="hnsw", quantization="half"),
    ),
    VectorSpec(
        name="bits",
        dimensions=DIMENSIONS,
        index=IndexSpec(type="hnsw", quantization="binary"),
    ),
    *(
        VectorSpec(
            name=f"real_{name}",
            dimensions=REAL_DIMENSIONS,
            index=IndexSpec(type="hnsw", quantization=quantization),
        )
        for name, quantization in REAL_INDEXES
    ),
    GraphSpec(name="web"),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Both sides.

    Attributes:
        ps: Ours, as any user opens it.
        driver: A held connection of the bare driver.
        callers: Held connections, one per concurrent caller.
        pool: The driver's own pool, with as many connections as ours.
        sizes: How much is measured.
        socket: Folder of the server's socket.
    """

    ps: Polystore
    driver: Connection
    callers: Sequence[Connection]
    pool: asyncpg.Pool[asyncpg.Record]
    sizes: Sizes
    socket: str

    async def empty(self, ours: Sequence[str], driver: Sequence[str]) -> None:
        """Empty tables, and write back what the server holds, so that every round starts alike.

        Args:
            ours: Tables of our stores, e.g. `kv_entries`.
            driver: Tables of the driver's side.
        """
        names = [f"polystore.{name}" for name in ours] + [f"bare.{name}" for name in driver]
        await self.driver.execute(f"TRUNCATE {', '.join(names)}")
        await self.driver.execute("CHECKPOINT")

    async def settle(self, *tables: str) -> None:
        """Do what autovacuum would do within a minute: statistics and the visibility map."""
        for table in tables:
            await self.driver.execute(f"VACUUM (ANALYZE) {table}")
        await self.driver.execute("CHECKPOINT")


@asynccontextmanager
async def opened(folder: Path, sizes: Sizes) -> AsyncGenerator[Bench]:
    """Start the embedded server in `folder` and connect both sides to it."""
    config: dict[str, Any] = {
        "backends": {
            "main": {
                "use": "postgres",
                "embedded": True,
                "path": str(folder),
                "pool": {"max": _POOL},
            }
        }
    }
    async with AsyncExitStack() as stack:
        ps = await stack.enter_async_context(polystore.open(config, stores=STORES))
        async with ps.raw("main").acquire() as connection:
            sockets: str = await connection.fetchval("SHOW unix_socket_directories")
        address: dict[str, Any] = {
            "host": sockets.strip('"').replace('""', '"'),
            "user": "postgres",
            "database": "postgres",
        }
        held: list[Connection] = []
        for _ in range(CALLERS):
            connection = await asyncpg.connect(**address)
            stack.push_async_callback(connection.close)
            await teach(connection)
            held.append(connection)
        await held[0].execute("CREATE SCHEMA bare")
        pool = await stack.enter_async_context(
            asyncpg.create_pool(**address, min_size=_POOL, max_size=_POOL, init=teach)
        )
        yield Bench(ps, held[0], held, pool, sizes, address["host"])


async def teach(connection: Connection) -> None:
    """Give a connection the quickest forms of jsonb and vectors: binary, without text between."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=_decode_json, format="binary"
    )
    await connection.set_type_codec(
        "vector", schema="public", encoder=_as_it_is, decoder=_as_it_is, format="binary"
    )


def packed(vectors: Vectors) -> list[bytes]:
    """Return each row in the form that pgvector takes: dimensions, zero, big-endian floats."""
    rows, width = vectors.shape
    wire = np.zeros((rows, 4 + 4 * width), dtype=np.uint8)
    wire[:, :2] = np.frombuffer(width.to_bytes(2, "big"), dtype=np.uint8)
    wire[:, 4:] = vectors.astype(">f4").view(np.uint8)
    return [row.tobytes() for row in wire]


async def in_turns(callers: Sequence[Any], arguments: Sequence[Any]) -> None:
    """Let each caller (a coroutine function) work on its share of the arguments, all at once."""

    async def work(call: Any, share: Sequence[Any]) -> None:
        for argument in share:
            await call(argument)

    shares = [arguments[number :: len(callers)] for number in range(len(callers))]
    await asyncio.gather(*map(work, callers, shares))


async def waves(get: Callable[[str], Awaitable[Any]], keys: Sequence[str]) -> None:
    """Read every key, as many at once as there are callers in a crowd; then the next ones."""
    for start in range(0, len(keys), CROWD):
        await asyncio.gather(*map(get, keys[start : start + CROWD]))


def _encode_json(value: object) -> bytes:
    return b"\x01" + orjson.dumps(value)


def _decode_json(data: bytes) -> Any:
    return orjson.loads(data[1:])


def _as_it_is(data: bytes) -> bytes:
    return data
