"""`polystore migrate-from lightrag`: files and tables arrive whole, also after an interruption."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightrag_models import arguments

from polystore.cli.app import run

from .asking import graph, retrieved
from .deployments import POSTGRES, contents, dump, migrate, rows_of
from .instances import on_its_own, on_polystore, running
from .migration_fixtures import files, tables

__all__ = ["files", "tables"]


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
