"""RAG-Anything, in an environment of its own: it asks for an older LightRAG than this one has."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import yaml

import polystore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_contents_are_inserted_and_found_again(
    postgres_dsn: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    root = pytestconfig.rootpath
    python = root / ".tools" / "raganything" / "bin" / "python"
    assert python.exists(), "make it with `make servers`"
    file = tmp_path / "polystore.yaml"
    main = {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}
    file.write_text(yaml.safe_dump({"backends": {"main": main}}))
    program = root / "plugins" / "polystore-lightrag" / "raganything" / "program.py"

    async def run() -> dict[str, Any]:
        arguments = map(str, (program, root / "tests", file, tmp_path))
        running = await asyncio.create_subprocess_exec(
            python, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await running.communicate()
        assert running.returncode == 0, err.decode()
        return json.loads(out.decode().splitlines()[-1])

    first = await run()
    assert not first["was_cached"]
    contents, document = first["cached"]
    assert document == "doc-anything"
    assert [part["type"] for part in contents] == ["text", "table", "equation"]
    assert contents[1]["table_caption"] == ["Coffee and tea"]
    assert first["multimodal_status"]["multimodal_processed"] is True
    assert first["state"] == {"status": "processed", "multimodal_processed": "True"}
    assert {"Ada Brunel", "Tonnage Table (table)"} <= set(first["labels"])
    assert first["chunks"] == 5
    second = await run()
    assert second["was_cached"]
    assert second["cached"] == first["cached"]
    assert second["labels"] == first["labels"]
    assert second["state"] == first["state"]
    async with polystore.open(file) as ps:
        keys = [entry.key async for entry in ps.kv("lightrag_other").scan()]
    assert sorted(key.partition("/")[0] for key in keys) == ["multimodal_status", "parse_cache"]
