"""Instances of LightRAG on polystore and on its own storages."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lightrag import LightRAG
from lightrag_models import arguments

from polystore_lightrag import STORAGES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path


@asynccontextmanager
async def on_polystore(
    config: Mapping[str, Any] | Path, folder: Path, **more: Any
) -> AsyncGenerator[LightRAG]:
    """Run LightRAG on a polystore configuration."""
    chosen = {"vector_db_storage_cls_kwargs": {"polystore_config": config}}
    async with running(**arguments(str(folder / "work"), **STORAGES, **chosen, **more)) as rag:
        yield rag


@asynccontextmanager
async def on_its_own(folder: Path, **more: Any) -> AsyncGenerator[LightRAG]:
    """Run LightRAG on the storages that it takes by default."""
    async with running(**arguments(str(folder / "own"), **more)) as rag:
        yield rag


@asynccontextmanager
async def running(**given: Any) -> AsyncGenerator[LightRAG]:
    """Run an instance, which must come to its end without an error."""
    rag = LightRAG(**given)
    await rag.initialize_storages()
    try:
        yield rag
    finally:
        await rag.finalize_storages()
