"""The block of a `use: memory` backend."""

from __future__ import annotations

from pydantic import Field

from polystore.config import BackendConfig


class MemoryConfig(BackendConfig):
    """Where the data lives: in the client alone, or in a space that clients of a process share."""

    shared: str | None = Field(
        None,
        min_length=1,
        description="Name of a space that all clients of this process see and that outlives them. "
        "null: the client's own, gone when it closes.",
    )
