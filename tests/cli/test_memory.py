"""Commands that open backends, on a memory space that outlives each run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np

import polystore

from .conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli, Configure

STORES = ["cache", "chunks", "documents", "knowledge"]


def fill(config: dict[str, Any], workspace: str, entries: int) -> None:
    async def work() -> None:
        async with polystore.open(config) as ps:
            tenant = ps.workspace(workspace)
            await tenant.kv("cache").put_many({str(key): key for key in range(entries)})
            await tenant.graph("knowledge").upsert_nodes([polystore.Node("n")])

    asyncio.run(work())


def plan_and_apply(cli: Cli) -> None:
    pending = cli("plan")
    assert pending.code == 3
    assert sorted(line.split(":")[0] for line in pending.lines) == [
        f"+ main/{store}" for store in STORES
    ]
    applied = cli("apply")
    assert (applied.code, applied.err) == (0, "")
    assert applied.lines == [*pending.lines, "4 of 4 changes applied"]
    done = cli("plan")
    assert (done.code, done.lines) == (0, ["Nothing to do: the engines have what is declared"])
    again = cli("apply", "--yes")
    assert (again.code, again.lines) == (0, done.lines)


def test_plan_apply_plan(cli: Cli, shared: dict[str, Any]) -> None:
    assert shared
    plan_and_apply(cli)


def test_a_plan_as_data(cli: Cli, shared: dict[str, Any]) -> None:
    assert shared
    done = cli("plan", "--json")
    assert done.code == 3
    changes = json.loads(done.out)["changes"]
    assert sorted(change["store"] for change in changes) == STORES
    assert {change["action"] for change in changes} == {"create_store"}
    assert {change["refused"] for change in changes} == {None}


def test_a_refused_change_stops_everything(
    cli: Cli, shared: dict[str, Any], configure: Configure
) -> None:
    assert cli("apply").code == 0
    name = shared["backends"]["main"]["shared"]
    configure(
        f"backends: {{main: {{use: memory, shared: '{name}'}}}}\n"
        "stores:\n"
        "  chunks: {kind: vector, dimensions: 3}\n"
        "  fresh: {kind: kv}\n"
    )
    for command in ("plan", "apply"):
        done = cli(command)
        assert done.code == 1
        assert "! main/chunks: dimensions is 2 and would become 3" in done.lines
        assert any(line.startswith("    refused: Stored data cannot") for line in done.lines)
        assert "+ main/fresh: create kv store fresh" in done.lines
        assert "applied" not in done.out
    assert cli("doctor").code == 2


def test_doctor_says_the_worst_first_and_what_to_do(cli: Cli, shared: dict[str, Any]) -> None:
    assert shared
    pending = cli("doctor")
    assert pending.code == 1
    assert pending.lines[1].startswith("warning")
    assert pending.lines[-2:] == ["What to do:", "- polystore apply"]
    cli("apply")
    well = cli("doctor", "--json")
    assert (well.code, well.err) == (0, "")
    findings = json.loads(well.out)["findings"]
    assert {finding["severity"] for finding in findings} == {"ok"}
    assert findings[0] | {"message": ""} == {
        "backend": "main",
        "check": "reachable",
        "severity": "ok",
        "message": "",
        "store": None,
        "action": None,
    }


def test_doctor_looks_for_orphans_when_asked(cli: Cli, configure: Configure) -> None:
    file = configure(
        "backends: {main: {use: memory, shared: orphans, schema: auto}}\n"
        "stores: {cache: {kind: kv}, documents: {kind: doc}}\n"
        "relations: {documents: {source.key: cache}}\n"
    )

    async def fill() -> None:
        async with polystore.open(file) as ps:
            await ps.kv("cache").put("a", 1)
            rows = {"d1": {"source": {"key": "a"}}, "d2": {"source": {"key": "b"}}}
            await ps.doc("documents").put_many(rows)

    asyncio.run(fill())
    assert cli("doctor").code == 0
    deep = cli("doctor", "--deep")
    assert deep.code == 1
    assert "1 of 2 rows name in source.key what cache has not: default/d2" in deep.lines[1]


def test_doctor_of_a_wrong_configuration_is_still_json(cli: Cli, configure: Configure) -> None:
    configure("backends: {main: {use: memory, sharde: 1, retries: x}}\n")
    done = cli("doctor", "--json")
    assert done.code == 2
    findings = json.loads(done.out)["findings"]
    assert len(findings) == 3
    assert {(f["backend"], f["check"], f["severity"]) for f in findings} == {
        ("polystore", "configuration", "error")
    }


def test_stats(cli: Cli, shared: dict[str, Any]) -> None:
    empty = cli("stats")
    assert empty.code == 0
    assert "declared, but not there yet: cache, chunks, documents, knowledge" in empty.err
    cli("apply")
    fill(shared, "default", 3)
    fill(shared, "globex", 5)
    done = cli("stats")
    assert (done.code, done.err) == (0, "")
    rows = [line.split() for line in done.lines]
    assert ["workspace:", "default"] in rows
    assert ["cache", "kv", "main", "3"] in [row[:4] for row in rows]
    assert ["knowledge", "graph", "main", "1"] in [row[:4] for row in rows]
    assert done.lines[-1] == "workspaces with data: default, globex"
    other = json.loads(cli("stats", "-w", "globex", "--json").out)
    assert other["workspace"] == "globex"
    assert {store["store"]: store["rows"] for store in other["stores"]} == {
        "cache": 5,
        "chunks": 0,
        "documents": 0,
        "knowledge": 1,
    }


def test_stats_show_stores_that_nobody_declares(
    cli: Cli, shared: dict[str, Any], configure: Configure
) -> None:
    fill(shared, "default", 2)
    name = shared["backends"]["main"]["shared"]
    configure(f"backends: {{main: {{use: memory, shared: '{name}'}}}}\n")
    done = json.loads(cli("stats", "--json").out)
    assert [(store["store"], store["rows"]) for store in done["stores"]] == [
        ("cache", 2),
        ("knowledge", 1),
    ]


def test_stats_without_a_default_workspace(
    cli: Cli, shared: dict[str, Any], configure: Configure
) -> None:
    fill(shared, "acme", 2)
    name = shared["backends"]["main"]["shared"]
    configure(f"tenancy: required\nbackends: {{main: {{use: memory, shared: '{name}'}}}}\n")
    done = cli("stats")
    assert done.code == 0
    assert "--workspace" in done.lines[0]
    assert done.lines[-1] == "workspaces with data: acme"


def test_dropping_a_workspace(cli: Cli, shared: dict[str, Any]) -> None:
    cli("apply")
    fill(shared, "acme", 3)
    fill(shared, "acme ", 4)
    assert cli("workspaces", "list").lines == ["acme", "acme "]
    for arguments, why in (
        (["acme"], "--yes"),
        (["acm", "--yes"], "no workspace 'acm' has any data"),
        (["", "--yes"], "is empty"),
    ):
        refused = cli("workspaces", "drop", *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert why in refused.err
    done = cli("workspaces", "drop", "acme", "--yes")
    assert (done.code, done.lines) == (0, ["4 rows deleted"])
    assert cli("workspaces", "list").lines == ["acme "]


def test_names_cannot_drive_the_terminal(cli: Cli, shared: dict[str, Any]) -> None:
    cli("apply")
    fill(shared, "\x1b[2J\nevil\u202e\x9b[bold]", 1)
    for command in (["workspaces", "list"], ["stats"]):
        done = cli(*command)
        assert "\\x1b[2J\\nevil\\u202e\\x9b[bold]" in done.out
        assert "\x1b" not in done.out
        assert "\x9b" not in done.out


def test_watching(cli: Cli, shared: dict[str, Any]) -> None:
    cli("apply")
    fill(shared, "default", 3)
    done = cli("stats", "--watch", "--times", "2", "--every", "0.05")
    assert (done.code, done.err) == (0, "")
    assert done.lines.count("workspace: default") == 2
    assert "\x1b" not in done.out
    first, second = done.out.split("workspace: default\n")[1:]
    assert "rows/s" not in first
    assert "rows/s" in second
    assert "+0.0" in second
    lines = cli("stats", "--watch", "--times", "3", "--every", "0.05", "--json").lines
    assert [json.loads(line)["workspace"] for line in lines] == ["default"] * 3


def test_watching_goes_on_while_a_backend_is_away(cli: Cli, configure: Configure) -> None:
    configure(
        "backends:\n"
        "  main: {use: memory}\n"
        "  far: {use: redis, url: 'redis://127.0.0.1:1'}\n"
        "defaults: {kv: main}\n"
        "stores:\n"
        "  facts: {kind: kv}\n"
        "  cache: {kind: kv, backend: far, optional: true}\n"
    )
    done = cli("stats", "--watch", "--times", "2", "--every", "0.05")
    assert done.code == 0
    shown = [line for line in done.lines if line.startswith("cache")]
    assert len(shown) == 2
    assert all("degraded" in line for line in shown)
    assert cli("stats", "--json").code == 0
    data = json.loads(cli("stats", "--json").out)
    assert [backend["open"] for backend in data["backends"]] == [True, False]
    assert data["optional"][0]["store"] == "cache"
    assert data["optional"][0]["since"]


def test_watching_on_a_terminal(folder: Path, shared: dict[str, Any]) -> None:
    assert shared
    (folder / "polystore.yaml").write_text("backends: {main: {use: memory}}\n")
    end, terminal = pty.openpty()
    command = [str(PROGRAM), "stats", "--watch", "--times", "2", "--every", "0.05"]
    running = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder, close_fds=True
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
        while read := os.read(end, 65536):
            shown += read
    os.close(end)
    assert running.wait(timeout=30) == 0
    assert shown.startswith(b"\x1b[?1049h")
    assert shown.count(b"workspace: default") == 2
    assert b"\x1b[?1049l" in shown


def test_a_workspace_out_and_back_in(cli: Cli, shared: dict[str, Any], folder: Path) -> None:
    cli("apply")
    fill(shared, "acme", 700)

    chunks = polystore.VectorSpec(name="chunks", dimensions=2)

    async def more() -> None:
        async with polystore.open(shared, stores=[chunks]) as ps:
            acme = ps.workspace("acme")
            await acme.kv("cache").put("bytes", b"\x00\xff", ttl=3600)
            await acme.kv("cache").put("gone", 1, ttl=0.05)
            await acme.doc("documents").put("d", {"a": {"b": [1, None, "ü\n"]}})
            record = polystore.VectorRecord("v", [0.1, 0.2], "t", {"n": 1})
            await acme.vector("chunks").upsert([record])
            await acme.graph("knowledge").upsert_edges([polystore.Edge("a", "t", "b", {"w": 0.5})])

    asyncio.run(more())
    done = cli("workspaces", "export", "acme", "--to", "acme.jsonl")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["acme.jsonl", "polystore.yaml"]
    lines = (folder / "acme.jsonl").read_bytes().splitlines()
    rows = json.loads(lines[-1])["rows"]
    assert rows == len(lines) - 2
    done = cli("workspaces", "import", "globex", "acme.jsonl")
    assert (done.code, done.lines) == (0, [f"{rows} rows stored"])

    async def compare() -> None:
        async with polystore.open(shared, stores=[chunks]) as ps:
            one, other = ps.workspace("acme"), ps.workspace("globex")
            for key in ("0", "699", "bytes"):
                assert await other.kv("cache").get(key) == await one.kv("cache").get(key)
            kept, copied = [await w.kv("cache").get_entry("bytes") for w in (one, other)]
            assert kept is not None
            assert copied is not None
            assert kept.expires_at is not None
            assert copied.expires_at is not None
            assert abs((kept.expires_at - copied.expires_at).total_seconds()) < 5
            assert await other.doc("documents").get("d") == {"a": {"b": [1, None, "ü\n"]}}
            records = [await w.vector("chunks").get("v") for w in (one, other)]
            vectors = [np.asarray(record.vector).tolist() for record in records if record]
            assert vectors[0] == vectors[1]
            edge = await other.graph("knowledge").get_edge("a", "t", "b")
            assert edge is not None
            assert edge.properties == {"w": 0.5}

    asyncio.run(compare())
    sizes = json.loads(cli("workspaces", "size", "globex", "--json").out)["stores"]
    assert {size["store"]: size["rows"] for size in sizes}["documents"] == 1


def test_an_export_that_was_cut_off_is_told(cli: Cli, shared: dict[str, Any], folder: Path) -> None:
    cli("apply")
    fill(shared, "acme", 3)
    cli("workspaces", "export", "acme", "--to", "acme.jsonl")
    lines = (folder / "acme.jsonl").read_bytes().splitlines(keepends=True)
    for wrong, why in (
        (lines[:-1], "the last line is missing"),
        ([lines[0], lines[-1]], "is not the end of 0 rows"),
        (lines[1:], "line 1 does not say"),
        ([*lines, lines[-1]], "is not the end"),
        ([lines[0], b"{not json\n"], "line 2 is no JSON"),
        ([], "line 1 is no JSON"),
    ):
        (folder / "wrong.jsonl").write_bytes(b"".join(wrong))
        done = cli("workspaces", "import", "other", "wrong.jsonl")
        assert done.code == 1
        assert why in done.err
    assert cli("workspaces", "import", "other", "absent.jsonl").code == 1
