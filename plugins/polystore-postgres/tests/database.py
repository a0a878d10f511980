"""A pool that tests without a loop of their own can use, as those of hypothesis are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, TypeVar

from polystore_postgres.config import PostgresConfig
from polystore_postgres.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Database:
    """A pool and the event loop that it belongs to."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runner = asyncio.Runner()
        self.pool: Pool

    def __enter__(self) -> Self:
        config = PostgresConfig.model_validate({"dsn": self._dsn})
        self.pool = self.run(Pool.open(config, backend="main"))
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.pool.close())
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end and return its result."""
        return self._runner.run(work)
