"""What operators do is the same on every combination: plan, apply, doctor, stats, workspaces."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import polystore
from matrix.library import STORES, chunks, edges, nodes, papers
from polystore.cli.app import run as run_command

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {
    "cache": 1,
    "chunks": len(chunks()),
    "citations": len(nodes()) + len({edge.key for edge in edges()}),
    "friends": 0,
    "notes": 0,
    "papers": len(papers()),
    "settings": 2,
    "sketches": 0,
}


@pytest.fixture
def file(combination: dict[str, Any], tmp_path: Path) -> Path:
    """The configuration as an operator has it: stores in the file, and nothing made unasked."""
    for backend in combination["backends"].values():
        backend["schema"] = "check"
    stores = {spec.name: spec.model_dump(exclude={"name"}, mode="json") for spec in STORES}
    path = tmp_path / "operated.yaml"
    path.write_text(yaml.safe_dump({**combination, "stores": stores}, allow_unicode=True))
    return path


async def _fill(file: Path) -> None:
    async with polystore.open(file) as ps:
        acme = ps.workspace("acme")
        await acme.kv("cache").put("a", 1)
        await acme.kv("settings").put_many({"a": 1, "b": b"2"})
        await acme.doc("papers").put_many(papers())
        await acme.vector("chunks").upsert(chunks())
        await acme.graph("citations").upsert_nodes(nodes())
        await acme.graph("citations").upsert_edges(edges())


def test_from_nothing_to_stores_that_are_well(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run_command(["--config", str(file), *arguments])
        return code, capsys.readouterr().out

    assert command("check")[0] == 0
    code, out = command("plan", "--json")
    assert code == 3
    assert {change["store"] for change in json.loads(out)["changes"]} >= ROWS.keys()
    assert command("apply", "--yes")[0] == 0
    assert command("plan")[0] == 0
    assert command("apply", "--yes")[0] == 0, "a second time there is nothing to do"
    asyncio.run(_fill(file))
    findings = json.loads(command("doctor", "--json")[1])["findings"]
    assert [finding for finding in findings if finding["severity"] == "error"] == []
    told = json.loads(command("stats", "--workspace", "acme", "--json")[1])
    assert {store["store"]: store["rows"] for store in told["stores"]} == ROWS
    assert told["workspaces"] == ["acme"]
    code, out = command("workspaces", "drop", "acme", "--yes")
    assert (code, out) == (0, f"{sum(ROWS.values())} rows deleted\n")
    assert command("workspaces", "list")[1] == ""
