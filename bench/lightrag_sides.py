"""LightRAG's storages on one server: those of polystore, and its own."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from polystore.bench.records import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from bench.context import Bench
    from polystore.bench.records import Vectors

OWN = {
    "kv_storage": "PGKVStorage",
    "vector_storage": "PGVectorStorage",
    "graph_storage": "PGTableGraphStorage",
    "doc_status_storage": "PGDocStatusStorage",
}
RUNS = "lightrag_runs"
"""A database beside the first: our stores take one embedding each."""
Pair: TypeAlias = tuple[Any, Any]
"""Ours, and LightRAG's own."""


class Known:
    """An embedding function that looks vectors up, so that no model's time is measured."""

    def __init__(self) -> None:
        self._by_text: dict[str, Any] = {}

    def learn(self, texts: list[str], vectors: Vectors) -> None:
        """Note the vectors of texts."""
        self._by_text.update(zip(texts, vectors, strict=True))

    async def __call__(self, texts: list[str], **_options: Any) -> np.ndarray[Any, Any]:
        """Return the vectors of texts."""
        return np.stack([self._by_text[text] for text in texts])


class Sides:
    """Makes storages in pairs.

    Attributes:
        title: What the names of operations begin with.
        backend: What both are measured on.
        known: What embeds.
        config: Polystore's configuration.
        own: LightRAG's own storages, by argument.
        folder: LightRAG's working directory.
        rest: Lets the server write back what it holds, before each round of a write.
    """

    def __init__(
        self,
        title: str,
        backend: str,
        config: dict[str, Any],
        own: dict[str, str],
        folder: str,
        rest: Callable[[], Awaitable[object]],
    ) -> None:
        self.title = title
        self.backend = backend
        self.known = Known()
        self.config = config
        self.own = own
        self.folder = folder
        self.rest = rest
        self._open: list[Any] = []

    @property
    def note(self) -> str:
        """What the other side is."""
        return f"driver: LightRAG's own {self.backend} storage"

    async def pair(self, argument: str, namespace: str, fields: set[str] | None = None) -> Pair:
        """Open both storages of a namespace."""
        from lightrag.kg.factory import get_storage_class  # pyright: ignore[reportMissingTypeStubs]
        from lightrag.utils import EmbeddingFunc  # pyright: ignore[reportMissingTypeStubs]

        from polystore_lightrag import STORAGES

        made: list[Any] = []
        for name in (STORAGES[argument], self.own[argument]):
            storage: Any = get_storage_class(name)(
                namespace=namespace,
                workspace="bench",
                global_config={
                    "working_dir": self.folder,
                    "embedding_batch_num": 1000,
                    "max_graph_nodes": 1000,
                    **self.own,
                    "vector_db_storage_cls_kwargs": {
                        "cosine_better_than_threshold": -1.0,
                        "polystore_config": self.config,
                    },
                },
                embedding_func=EmbeddingFunc(DIMENSIONS, self.known, model_name="known"),
                **({} if fields is None else {"meta_fields": fields}),
            )
            await storage.initialize()
            made.append(storage)
            self._open.append(storage)
        return made[0], made[1]

    async def close(self) -> None:
        """Close all storages."""
        for storage in self._open:
            await storage.finalize()


@asynccontextmanager
async def sides_of(
    title: str,
    backend: str,
    config: dict[str, Any],
    own: dict[str, str],
    *,
    environment: dict[str, str],
    rest: Callable[[], Awaitable[object]],
) -> AsyncGenerator[Sides]:
    """Point both sides at a server; LightRAG's own storages find it by the environment."""
    os.environ.update(environment)
    with tempfile.TemporaryDirectory(prefix="polystore-bench-lightrag-") as folder:
        sides = Sides(title, backend, config, own, folder, rest)
        try:
            yield sides
        finally:
            await sides.close()


@asynccontextmanager
async def postgres(bench: Bench) -> AsyncGenerator[tuple[Sides, dict[str, Any]]]:
    """Point both sides at the server of the run; the second is the configuration of whole runs."""
    sockets: str = await bench.driver.fetchval("SHOW unix_socket_directories")
    socket = sockets.strip('"').replace('""', '"')
    await bench.driver.execute(f"CREATE DATABASE {RUNS}")
    address = f"host={socket} port=5432 user=postgres"
    environment = {
        "POSTGRES_HOST": socket,
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": "none",  # the socket asks for none
        "POSTGRES_DATABASE": "postgres",
        "POSTGRES_VECTOR_INDEX_TYPE": "HNSW",
        "POSTGRES_HNSW_M": "16",
        "POSTGRES_HNSW_EF": "128",
        "POSTGRES_MAX_CONNECTIONS": "10",
        # As ours: at pgvector's own 40 it would find less, and be compared for speed all the same.
        "POSTGRES_SERVER_SETTINGS": "hnsw.ef_search=80",
    }
    async with sides_of(
        "lightrag",
        "postgres",
        _in(address, "postgres"),
        OWN,
        environment=environment,
        rest=lambda: bench.driver.execute("CHECKPOINT"),
    ) as sides:
        yield sides, _in(address, RUNS)


def _in(address: str, database: str) -> dict[str, Any]:
    dsn = f"{address} dbname={database}"
    return {
        "backends": {"main": {"use": "postgres", "dsn": dsn, "schema": "auto", "pool": {"max": 10}}}
    }


@contextmanager
def registered() -> Generator[None]:
    """Have LightRAG know polystore's storages, and its own locks, for a while."""
    from lightrag.kg import shared_storage  # pyright: ignore[reportMissingTypeStubs]

    import polystore_lightrag

    polystore_lightrag.register()
    shared_storage.initialize_share_data()
    try:
        yield
    finally:
        shared_storage.finalize_share_data()


def test_tree() -> None:
    """Make what the tests have importable: their servers, their rules for models."""
    tests = str(Path(__file__).resolve().parents[1] / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)


def models() -> Any:
    """Return the rules that stand for models, which the tests use too."""
    test_tree()
    import lightrag_models

    return lightrag_models
