"""Fixtures: LightRAG's files, and its tables in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from lightrag_models import TEXTS, arguments

from .asking import read
from .deployments import POSTGRES
from .instances import on_its_own, running

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def files(tmp_path: Path) -> Path:
    """LightRAG's own files, of two workspaces."""
    async with on_its_own(tmp_path) as rag:
        await read(rag)
    async with on_its_own(tmp_path, workspace="other-ten_ant") as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="doc-trade")
    return tmp_path / "own"


@pytest.fixture
async def tables(postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """LightRAG's own tables in PostgreSQL."""
    parts = urlsplit(postgres_dsn)
    for name, value in {
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password or "none",
        "DATABASE": parts.path.lstrip("/"),
        "VECTOR_INDEX_TYPE": "HNSW",
        "MAX_CONNECTIONS": 4,
    }.items():
        monkeypatch.setenv(f"POSTGRES_{name}", str(value))
    async with running(**arguments(str(tmp_path / "pg"), **POSTGRES)) as rag:
        await read(rag)
    return postgres_dsn
