"""Other libraries, in an environment of their own: carries out what the bench asks for.

A line of JSON on standard input is a request, `{"do": name, ...}`; a line on standard output is its
answer. What takes time is timed here, so that talking to this process is not part of it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
from key_value.aio.stores.postgresql import PostgreSQLStore
from key_value.aio.stores.redis import RedisStore
from langchain_core.embeddings import Embeddings
from langchain_postgres import Column, PGEngine, PGVectorStore
from langchain_postgres.v2.indexes import HNSWIndex, HNSWQueryOptions
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import create_async_engine

_BATCH = 1000


class _NoEmbeddings(Embeddings):
    """The vectors are given."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


class KeyValue:
    """py-key-value's store of one engine.

    Args:
        store: The store.
        data: What is stored.
        keys: In the order in which they are read.
    """

    def __init__(self, store: Any, data: dict[str, Any], keys: list[str]) -> None:
        self._store = store
        self._data = data
        self._keys = keys

    async def put_many(self) -> float:
        """Store all; return seconds a row."""
        names, values = list(self._data), list(self._data.values())
        start = time.perf_counter()
        for first in range(0, len(names), _BATCH):
            part = slice(first, first + _BATCH)
            await self._store.put_many(names[part], values[part], collection="bench")
        return (time.perf_counter() - start) / len(names)

    async def get_many(self) -> float:
        """Read all; return seconds a row."""
        found: list[Any] = []
        start = time.perf_counter()
        for first in range(0, len(self._keys), _BATCH):
            part = self._keys[first : first + _BATCH]
            found += await self._store.get_many(part, collection="bench")
        taken = time.perf_counter() - start
        if found != [self._data[key] for key in self._keys]:
            raise AssertionError("what was read is not what was stored")
        return taken / len(found)

    async def get_alone(self, calls: int) -> float:
        """Read one after the other; return the median seconds of a call."""
        times: list[float] = []
        for key in self._keys[:calls]:
            start = time.perf_counter()
            await self._store.get(key, collection="bench")
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    async def get_at_once(self, calls: int, callers: int) -> float:
        """Read in waves of so many callers; return seconds a call."""
        keys = self._keys[:calls]
        start = time.perf_counter()
        for first in range(0, len(keys), callers):
            part = keys[first : first + callers]
            await asyncio.gather(*(self._store.get(key, collection="bench") for key in part))
        return (time.perf_counter() - start) / len(keys)


class Vectors:
    """langchain-postgres' store of two tables: one that is written, one that is searched.

    Args:
        engine: Its connections.
        folder: Where vectors, queries and metadata are.
        ef: Candidates of the index that a search looks at.
    """

    def __init__(self, engine: PGEngine, folder: Path, ef: int) -> None:
        self._engine = engine
        self._rows = np.load(folder / "vectors.npy")
        self._queries = np.load(folder / "queries.npy").tolist()
        self._metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
        self._ids = json.loads((folder / "ids.json").read_text("utf-8"))
        self._ef = ef
        self._stores: dict[str, PGVectorStore] = {}

    async def create(self, table: str, *, load: int) -> None:
        """Create a table, store so many rows in it and build its index."""
        await self._engine.ainit_vectorstore_table(
            table,
            self._rows.shape[1],
            id_column=Column("langchain_id", "TEXT", nullable=False),
            metadata_columns=[Column("percent", "INTEGER"), Column("tenth", "INTEGER")],
        )
        self._stores[table] = store = await PGVectorStore.create(
            self._engine,
            _NoEmbeddings(),
            table,
            metadata_columns=["percent", "tenth"],
            index_query_options=HNSWQueryOptions(ef_search=self._ef),
        )
        await self._add(store, load)
        await store.aapply_vector_index(HNSWIndex(name=f"{table}_hnsw"))

    async def add(self, table: str, rows: int) -> float:
        """Upsert so many rows; return seconds a row."""
        start = time.perf_counter()
        await self._add(self._stores[table], rows)
        return (time.perf_counter() - start) / rows

    async def _add(self, store: PGVectorStore, rows: int) -> None:
        ids = self._ids[:rows]
        if ids:
            vectors = self._rows[:rows].tolist()
            await store.aadd_embeddings(ids, vectors, self._metadata[:rows], ids)

    async def search(self, table: str, callers: int, k: int, where: dict[str, Any]) -> float:
        """Search with every query, by so many callers at once; return seconds a search."""
        store = self._stores[table]

        async def work(share: list[list[float]]) -> None:
            for query in share:
                await store.asimilarity_search_by_vector(query, k=k, filter=where or None)

        start = time.perf_counter()
        await asyncio.gather(*(work(self._queries[n::callers]) for n in range(callers)))
        return (time.perf_counter() - start) / len(self._queries)

    async def answers(self, table: str, k: int, where: dict[str, Any]) -> list[list[str]]:
        """Return the ids that each query finds."""
        store = self._stores[table]
        return [
            [
                document.page_content  # which is the id here
                for document in await store.asimilarity_search_by_vector(
                    query, k=k, filter=where or None
                )
            ]
            for query in self._queries
        ]


async def serve(folder: Path, socket: str, valkey: str, ef: int) -> None:
    """Open every store, then answer requests until there are no more."""
    data = json.loads((folder / "entries.json").read_text("utf-8"))
    keys = json.loads((folder / "keys.json").read_text("utf-8"))
    async with AsyncExitStack() as stack:
        address = f"postgres@/postgres?host={socket}"
        tables = PostgreSQLStore(url=f"postgresql://{address}", table_name="peer_entries")
        client = Redis(unix_socket_path=valkey, decode_responses=True)
        cache = RedisStore(client=client)
        for store in (tables, cache):
            await stack.enter_async_context(store)
        sql = create_async_engine(f"postgresql+asyncpg://{address}")
        stack.push_async_callback(client.aclose)
        stack.push_async_callback(sql.dispose)
        parts = {
            "postgres": KeyValue(tables, data, keys),
            "valkey": KeyValue(cache, data, keys),
            "langchain": Vectors(PGEngine.from_engine(sql), folder, ef),
        }
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            part, _, method = request.pop("do").partition(".")
            answer = await getattr(parts[part], method)(**request)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _folder, _socket, _valkey, _ef = sys.argv[1:]
    asyncio.run(serve(Path(_folder), _socket, _valkey, int(_ef)))
