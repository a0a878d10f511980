"""Backends and drivers for tests: a store made in a database of the test's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from polystore.specdiff import SpecChange, StoredSpec
from polystore_postgres.backend import PostgresBackend
from polystore_postgres.config import PostgresConfig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore.specs import StoreSpec
    from polystore.stores.driver import Driver


@asynccontextmanager
async def opened_backend(dsn: str, **settings: Any) -> AsyncGenerator[PostgresBackend]:
    """Open a backend whose layout is up to date."""
    backend = PostgresBackend("main", PostgresConfig.model_validate({"dsn": dsn, **settings}))
    try:
        await backend.open()
        await backend.apply_layout()
        yield backend
    finally:
        await backend.close()


async def create_store(backend: PostgresBackend, spec: StoreSpec) -> Driver:
    """Create a store and return its driver."""
    stored = StoredSpec(spec)
    await backend.apply_change(stored, SpecChange("create_store", "create it"))
    return await backend.bind(stored)
