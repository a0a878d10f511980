"""`polystore migrate-from lightrag`: what is broken, foreign or half there is refused."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

import polystore
from polystore.errors import ConfigError, ConnectionFailed, SchemaMismatch
from polystore.migration.migrate import Migration
from polystore_lightrag.source import LightRAGSource

from .deployments import MODEL, migrate
from .migration_fixtures import files, tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["files", "tables"]


async def test_a_changed_source_is_not_taken_for_the_same(
    memory_config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"

    def plug(_part: Any, _done: int) -> None:
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        await migrate(files, memory_config, state, progress=plug)
    os.utime(files / "kv_store_full_docs.json", ns=(1, 1))
    with pytest.raises(ConfigError, match="the source has changed"):
        await migrate(files, memory_config, state)
    state.write_text("{")
    with pytest.raises(ConfigError, match="is not the state of a migration"):
        await migrate(files, memory_config, state)


async def test_stores_that_have_rows(
    memory_config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    await migrate(files, memory_config, tmp_path / "state.json")
    with pytest.raises(ConfigError, match="it has rows already"):
        await migrate(files, memory_config, tmp_path / "state.json")
    reports = await migrate(files, memory_config, tmp_path / "state.json", merge=True)
    assert all(report.equal for report in reports)


async def test_what_others_change_meanwhile_is_told(
    memory_config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    async with polystore.open(memory_config) as other:
        calls: list[Any] = []

        def meddle(part: Any, _done: int) -> None:
            if part.shape == "edge":
                calls.append(
                    asyncio.ensure_future(other.kv("lightrag_full_docs").put("doc-trade", {"x": 1}))
                )

        reports = await migrate(files, memory_config, tmp_path / "state.json", progress=meddle)
        await asyncio.gather(*calls)
    [report] = [report for report in reports if not report.equal]
    assert report.name == "kv_store_full_docs.json"
    assert report.different == ("doc-trade",)
    assert (tmp_path / "state.json").exists()


def cut(text: str) -> str:
    return text[: len(text) // 2]


def other_shape(_text: str) -> str:
    return "[]"


def no_dimensions(text: str) -> str:
    return text.replace('"embedding_dim"', '"dim"')


def no_id(text: str) -> str:
    return text.replace('"__id__"', '"x"', 1)


@pytest.mark.parametrize(
    ("file", "damage", "why"),
    [
        ("kv_store_text_chunks.json", cut, "kv_store_text_chunks.json cannot be read whole"),
        ("kv_store_full_docs.json", other_shape, "it holds no object"),
        ("vdb_chunks.json", no_dimensions, "NanoVectorDB"),
        ("vdb_chunks.json", no_id, "has no '__id__'"),
        ("graph_chunk_entity_relation.graphml", cut, "graphml cannot be read whole"),
        ("vdb_chunks.json", None, "not whole here: chunks is missing"),
        ("kv_store_doc_status.json", None, "not whole here: doc_status is missing"),
    ],
)
async def test_broken_files(
    memory_config: dict[str, Any],
    files: Path,
    tmp_path: Path,
    file: str,
    damage: Callable[[str], str] | None,
    why: str,
) -> None:
    place = files / file
    if damage is None:
        place.unlink()
    else:
        place.write_text(damage(place.read_text()))
    with pytest.raises(ConfigError, match=why):
        await migrate(files, memory_config, tmp_path / "state.json")
    async with polystore.open(memory_config) as ps:
        assert not any(size.rows for size in await ps.sizes())


async def test_a_part_may_be_left_out(
    memory_config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    (files / "vdb_chunks.json").unlink()
    options = {**MODEL, "partial": "yes", "workspace": "other-ten_ant"}
    reports = await migrate(files, memory_config, tmp_path / "state.json", options=options)
    assert {report.workspace for report in reports} == {"other-ten_ant"}


async def test_foreign_places(memory_config: dict[str, Any], tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with pytest.raises(ConfigError, match="is no folder"):
        await migrate(tmp_path / "absent", memory_config, state)
    with pytest.raises(ConfigError, match="there is nothing of LightRAG"):
        await migrate(tmp_path, memory_config, state)
    (tmp_path / "faiss_index_chunks.index").write_text("x")
    with pytest.raises(ConfigError, match="Faiss"):
        await migrate(tmp_path, memory_config, state)
    with pytest.raises(ConnectionFailed) as caught:
        await migrate("postgresql://u:s3cret@127.0.0.1:1/d", memory_config, state)
    assert "s3cret" not in str(caught.value)


async def test_foreign_and_half_migrated_tables(
    tables: str, memory_config: dict[str, Any], tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    connection: Any = await asyncpg.connect(tables)
    for damage, why, repair in (
        (
            "alter table lightrag_doc_full rename workspace to tenant",
            "lightrag_doc_full has no column workspace",
            "alter table lightrag_doc_full rename tenant to workspace",
        ),
        (
            "create table lightrag_vdb_chunks_old_3d as "
            "select * from lightrag_vdb_chunks_word_counts_64d",
            "several tables of vectors 'chunks'",
            "drop table lightrag_vdb_chunks_old_3d",
        ),
        (
            "insert into lightrag_graph_nodes (workspace, id) "
            "values ('default', 'a'), ('default', 'b'); "
            "insert into lightrag_graph_edges (workspace, src_id, tgt_id) "
            "values ('default', 'b', 'a')",
            "in both directions",
            "delete from lightrag_graph_nodes where id in ('a', 'b')",
        ),
        (
            "alter table lightrag_doc_status rename to moved",
            "not whole here: doc_status is missing",
            "alter table moved rename to lightrag_doc_status",
        ),
    ):
        await connection.execute(damage)
        with pytest.raises(ConfigError, match=why):
            await migrate(tables, memory_config, state)
        await connection.execute(repair)
    await connection.close()
    assert all(report.equal for report in await migrate(tables, memory_config, state))


async def test_other_dimensions_are_refused_before_anything_is_written(
    memory_config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    config = memory_config | {"include": [{"lightrag": {"dimensions": 3}}]}
    async with LightRAGSource(str(files), {}) as source, polystore.open(config) as client:
        with pytest.raises(SchemaMismatch, match="64 dimensions, and 3 are declared"):
            await Migration(source, client, tmp_path / "state.json").run()
        assert not any(size.rows for size in await client.sizes())
