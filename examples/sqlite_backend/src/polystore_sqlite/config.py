"""The block of a `use: sqlite` backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from polystore.config import BackendConfig
from polystore.specs import Duration


class SqliteConfig(BackendConfig):
    """Which file, and how many connections to it."""

    path: Path = Field(description="The file, made where it is not; relative to the YAML file.")
    readers: int = Field(
        default=4, ge=1, le=64, description="Connections that read, a thread each."
    )
    busy_timeout: Duration = Field(
        default=5, description="Seconds to wait for another process that writes."
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: Path, info: ValidationInfo) -> Path:
        if ":memory:" in str(path):
            raise ValueError("several connections need a file; for tests use the memory backend")
        context: dict[str, Any] = info.context or {}
        return Path(context.get("base_dir") or Path.cwd()) / path
