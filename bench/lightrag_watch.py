"""How long the storages of a LightRAG are at work."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_STORAGES = (
    "full_docs", "text_chunks", "llm_response_cache", "full_entities", "full_relations",
    "entity_chunks", "relation_chunks", "entities_vdb", "relationships_vdb", "chunks_vdb",
    "chunk_entity_relation_graph", "doc_status",
)  # fmt: skip


class StorageClock:
    """Runs while at least one call of a storage is under way.

    Attributes:
        seconds: What it shows.
    """

    def __init__(self, rag: Any) -> None:
        self.seconds = 0.0
        self._storages: list[Any] = [getattr(rag, name) for name in _STORAGES]
        self._watches: list[tuple[Any, str]] = []
        self._under_way = 0
        self._since = 0.0

    def __enter__(self) -> Self:
        """Watch every coroutine method that LightRAG may call."""
        for storage in self._storages:
            for name, method in inspect.getmembers(storage, inspect.iscoroutinefunction):
                if not name.startswith("_"):
                    setattr(storage, name, self._watched(method))
                    self._watches.append((storage, name))
        return self

    def __exit__(self, *_error: object) -> None:
        """Give the storages their methods back."""
        for storage, name in self._watches:
            delattr(storage, name)

    def _watched(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*args: Any, **named: Any) -> Any:
            if self._under_way == 0:
                self._since = time.perf_counter()
            self._under_way += 1
            try:
                return await method(*args, **named)
            finally:
                self._under_way -= 1
                if self._under_way == 0:
                    self.seconds += time.perf_counter() - self._since

        return watched
