"""`polystore migrate-from lightrag`: files and tables, interrupted, broken, and half there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import yaml
from lightrag_models import TEXTS, arguments

import polystore
from polystore.cli.app import run
from polystore.errors import ConfigError, ConnectionFailed, SchemaMismatch
from polystore.migration.migrate import Migration
from polystore_lightrag.source import LightRAGSource

from .instances import on_its_own, on_polystore, running
from .test_whole import graph, read, retrieved

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightrag import LightRAG

MODEL = {"embedding_model": "word-counts"}
POSTGRES = {
    "kv_storage": "PGKVStorage",
    "vector_storage": "PGVectorStorage",
    "graph_storage": "PGTableGraphStorage",
    "doc_status_storage": "PGDocStatusStorage",
}


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in files}


async def rows_of(rag: LightRAG) -> dict[str, Any]:
    """Return what LightRAG reads of everything, by storage."""
    storage: Any = rag
    documents = sorted(TEXTS)
    states = await storage.doc_status.get_by_ids(documents)
    chunks = [chunk for state in states for chunk in state["chunks_list"]]
    entities = await storage.full_entities.get_by_ids(documents)
    names = sorted({name for row in entities for name in row["entity_names"]})
    found = {
        "states": states,
        "full_docs": await storage.full_docs.get_by_ids(documents),
        "text_chunks": await storage.text_chunks.get_by_ids(chunks),
        "full_entities": entities,
        "full_relations": await storage.full_relations.get_by_ids(documents),
        "entity_chunks": await storage.entity_chunks.get_by_ids(names),
        "llm": await storage.llm_response_cache.get_by_ids(
            [
                key
                for row in await storage.text_chunks.get_by_ids(chunks)
                for key in row["llm_cache_list"]
            ]
        ),
    }
    for rows in found.values():
        assert all(rows), rows
        for row in rows:
            # LightRAG forgets when a row was made once it is replaced; a row that is imported
            # without a time gets one.
            row.pop("create_time", None)
    return found


@pytest.fixture
async def files(tmp_path: Path) -> Path:
    """LightRAG's own files, of two workspaces."""
    async with on_its_own(tmp_path) as rag:
        await read(rag)
    async with on_its_own(tmp_path, workspace="other-ten_ant") as rag:
        await rag.ainsert(TEXTS["doc-trade"], ids="doc-trade")
    return tmp_path / "own"


async def migrate(location: Any, config: Any, state: Path, **more: Any) -> Any:
    options = more.pop("options", MODEL)
    async with (
        LightRAGSource(str(location), options) as source,
        polystore.open(config, stores=source.specs()) as client,
    ):
        return await Migration(source, client, state, **more).run()


async def test_files(config: dict[str, Any], files: Path, tmp_path: Path) -> None:
    before = contents(files)
    reports = await migrate(files, config, tmp_path / "state.json")
    assert contents(files) == before
    assert not (tmp_path / "state.json").exists()
    assert all(report.equal and report.rows for report in reports)
    assert len(reports) == 2 * 13
    async with on_its_own(tmp_path) as own, on_polystore(config, tmp_path) as ours:
        assert await rows_of(ours) == await rows_of(own)
        assert await graph(ours) == await graph(own)
        assert await retrieved(ours) == await retrieved(own)
        assert (await ours.adelete_by_doc_id("doc-trade")).status == "success"
    async with on_polystore(config, tmp_path, workspace="other-ten_ant") as rag:
        assert "Pedro Lima" in await rag.get_graph_labels()
        assert "Elbe Yard" not in await rag.get_graph_labels()


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


async def dump(dsn: str) -> str:
    connection: Any = await asyncpg.connect(dsn)
    names = await connection.fetch("select tablename from pg_tables where tablename ~ '^lightrag'")
    found = {
        name: [
            str(row) for row in await connection.fetch(f'select t::text from "{name}" t order by 1')
        ]
        for [name] in names
    }
    await connection.close()
    return json.dumps(found, sort_keys=True)


async def test_tables(tables: str, memory_config: dict[str, Any], tmp_path: Path) -> None:
    before = await dump(tables)
    reports = await migrate(tables, memory_config, tmp_path / "state.json")
    assert await dump(tables) == before
    assert all(report.equal and report.rows for report in reports)
    assert len(reports) == 13
    more = arguments(str(tmp_path / "pg"), **POSTGRES)
    async with running(**more) as own, on_polystore(memory_config, tmp_path) as ours:
        assert await graph(ours) == await graph(own)
        assert await retrieved(ours) == await retrieved(own)
        theirs, mine = await rows_of(own), await rows_of(ours)
        for name, rows in mine.items():
            for row, their_row in zip(rows, theirs[name], strict=True):
                shared = row.keys() & their_row.keys() - {"_id"}
                assert len(shared) >= 3
                assert {f: row[f] for f in shared} == {f: their_row[f] for f in shared}, name


async def test_an_interrupted_run_goes_on(
    config: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    told: list[str] = []

    class Stop(Exception):
        """Somebody pulled the plug."""

    def plug(part: Any, _done: int) -> None:
        told.append(part.name)
        if len(told) in {2, 9, 40}:
            raise Stop

    for _ in range(3):
        with pytest.raises(Stop):
            await migrate(files, config, state, progress=plug, batch=3)
    done = json.loads(state.read_text())["done"]
    assert done
    reports = await migrate(files, config, state, progress=plug, batch=3)
    assert all(report.equal for report in reports)
    assert not state.exists()
    # What was written before the interruption was not written again.
    whole = sum((report.rows + 2) // 3 for report in reports)
    assert len(told) == whole


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


async def test_the_command(
    postgres_dsn: str,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTRAG", str(files))
    main = {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}
    (tmp_path / "polystore.yaml").write_text(yaml.safe_dump({"backends": {"main": main}}))
    capsys.readouterr()

    async def command(*given: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, ("migrate-from", "lightrag", *given))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    code, out, _ = await command(str(files), "--dry-run")
    assert code == 0
    assert out.splitlines()[0].split() == ["part", "store", "workspace", "rows"]
    code, _, err = await command(str(files))
    assert code == 1
    assert "which model made its vectors" in err
    code, _, err = await command(str(files), "-o", "modell=x")
    assert code == 1
    assert "'modell' is no option" in err
    code, _, err = await command("env:NOWHERE")
    assert code == 1
    assert "the environment has no NOWHERE" in err
    code, out, err = await command("env:LIGHTRAG", "-o", "embedding_model=word-counts")
    assert code == 0
    lines = [line.split() for line in out.splitlines()[1:]]
    assert len(lines) == 26
    assert all(line[-1] == "ok" for line in lines)
    assert "kv_store_full_docs.json: 3 of 3" in err
    code, out, err = await command("env:LIGHTRAG", "-o", "embedding_model=word-counts")
    assert code == 1
    assert "it has rows already" in err
    code, out, _ = await command(
        "env:LIGHTRAG", "-o", "embedding_model=word-counts", "--merge", "--restart", "--json"
    )
    assert code == 0
    parts = json.loads(out)["parts"]
    assert all(part["source_checksum"] == part["target_checksum"] for part in parts)
    shutil.rmtree(files)
    async with on_polystore(Path("polystore.yaml"), tmp_path) as rag:
        assert "Elbe Yard" in await rag.get_graph_labels()
