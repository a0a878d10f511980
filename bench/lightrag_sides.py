"""LightRAG's storages on one PostgreSQL: those of polystore, and its own."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.data import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.data import Vectors

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
        known: What embeds.
        config: Polystore's configuration.
        config_of_runs: Another, for vectors of another embedding.
    """

    def __init__(self, dsn: str, folder: str) -> None:
        self.known = Known()
        self.config = self._in(dsn, "postgres")
        self.config_of_runs = self._in(dsn, RUNS)
        self._folder = folder
        self._open: list[Any] = []

    @staticmethod
    def _in(dsn: str, database: str) -> dict[str, Any]:
        address = f"{dsn} dbname={database}"
        main = {"use": "postgres", "dsn": address, "schema": "auto", "pool": {"max": 10}}
        return {"backends": {"main": main}}

    async def pair(self, argument: str, namespace: str, fields: set[str] | None = None) -> Pair:
        """Open both storages of a namespace."""
        from lightrag.kg.factory import get_storage_class  # pyright: ignore[reportMissingTypeStubs]
        from lightrag.utils import EmbeddingFunc  # pyright: ignore[reportMissingTypeStubs]

        from polystore_lightrag import STORAGES

        made: list[Any] = []
        for name in (STORAGES[argument], OWN[argument]):
            storage: Any = get_storage_class(name)(
                namespace=namespace,
                workspace="bench",
                global_config={
                    "working_dir": self._folder,
                    "embedding_batch_num": 1000,
                    "max_graph_nodes": 1000,
                    "vector_storage": OWN["vector_storage"],
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
        self._open += made
        return made[0], made[1]

    async def close(self) -> None:
        """Close all storages."""
        for storage in self._open:
            await storage.finalize()


@asynccontextmanager
async def opened(bench: Bench) -> AsyncGenerator[Sides]:
    """Point both sides at the server of the run."""
    from lightrag.kg import shared_storage  # pyright: ignore[reportMissingTypeStubs]

    import polystore_lightrag

    sockets: str = await bench.driver.fetchval("SHOW unix_socket_directories")
    socket = sockets.strip('"').replace('""', '"')
    os.environ.update(
        POSTGRES_HOST=socket,
        POSTGRES_PORT="5432",
        POSTGRES_USER="postgres",
        POSTGRES_PASSWORD="none",  # noqa: S106  the socket asks for none
        POSTGRES_DATABASE="postgres",
        POSTGRES_VECTOR_INDEX_TYPE="HNSW",
        POSTGRES_HNSW_M="16",
        POSTGRES_HNSW_EF="128",
        POSTGRES_MAX_CONNECTIONS="10",
    )
    polystore_lightrag.register()
    shared_storage.initialize_share_data()
    await bench.driver.execute(f"CREATE DATABASE {RUNS}")
    with tempfile.TemporaryDirectory(prefix="polystore-bench-lightrag-") as folder:
        sides = Sides(f"host={socket} port=5432 user=postgres", folder)
        try:
            yield sides
        finally:
            await sides.close()
            shared_storage.finalize_share_data()


def models() -> Any:
    """Return the rules that stand for models, which the tests use too."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    import lightrag_models

    return lightrag_models
