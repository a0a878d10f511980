"""Generations, renamed and dropped stores, from the command line; on a space that runs share."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import polystore
from polystore import VectorRecord

from .conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli, Configure

EMBED = """
async def embed(texts):
    return [[1.0, 2.0, float(len(text))] for text in texts]

def short(texts):
    return [[1.0] for text in texts]

def fails(texts):
    raise RuntimeError("secret of a server")

nothing = None
"""


@pytest.fixture
def space(request: pytest.FixtureRequest, configure: Configure) -> dict[str, Any]:
    """A space with two records of two dimensions; the file declares three."""
    name = request.node.name
    backends = {"main": {"use": "memory", "shared": name}}
    config = {"backends": backends, "stores": {"chunks": {"kind": "vector", "dimensions": 2}}}

    async def fill() -> None:
        async with polystore.open(config) as ps:
            await ps.vector("chunks").upsert([VectorRecord("a", [1, 0], "text")])
            await ps.workspace("w").vector("chunks").upsert([VectorRecord("b", [1, 0])])

    asyncio.run(fill())
    file = configure(
        f"backends: {{main: {{use: memory, shared: '{name}', schema: check}}}}\n"
        "stores: {chunks: {kind: vector, dimensions: 3}}\n"
    )
    (file.parent / "mine.py").write_text(EMBED)
    return config


def test_from_start_to_drop(cli: Cli, space: dict[str, Any]) -> None:
    assert space
    refused = cli("plan")
    assert refused.code == 1
    assert "polystore generation start chunks" in refused.out
    assert cli("generation", "fill", "chunks", "--embed", "mine:embed").code == 1
    assert cli("generation", "start", "chunks").code == 0
    assert cli("generation", "start", "chunks").code == 0
    assert "polystore generation fill chunks" in cli("plan").out
    assert cli("doctor").code == 2
    filled = cli("generation", "fill", "chunks", "--embed", "mine:embed")
    assert filled.code == 1
    assert filled.lines[-1] == "    w b: it has no text to embed"
    report = json.loads(cli("generation", "fill", "chunks", "--embed", "mine:embed", "--json").out)
    assert (report["compared"], report["carried"], report["left"]) == (2, 0, 1)
    refused = cli("generation", "switch", "chunks")
    assert (refused.code, refused.out) == (1, "")
    assert "generation fill chunks" in refused.err
    assert cli("generation", "switch", "chunks", "--force").lines == [
        "Generation 2 of chunks serves"
    ]
    states = json.loads(cli("generation", "list", "chunks", "--json").out)["generations"]
    assert [(s["number"], s["state"], s["rows"]) for s in states] == [
        (1, "old", 2),
        (2, "serving", 1),
    ]
    planned = cli("plan", "--json")
    assert planned.code == 0
    (note,) = json.loads(planned.out)["notes"]
    assert note["store"] == "chunks"
    assert cli("doctor").code == 0
    assert "--yes" in cli("generation", "drop", "chunks").err
    assert cli("generation", "drop", "chunks", "--yes").code == 1
    assert cli("generation", "drop", "chunks", "--yes", "--force").code == 0
    assert cli("plan").lines == ["Nothing to do: the engines have what is declared"]


def test_what_fills_wrongly_is_told(cli: Cli, space: dict[str, Any]) -> None:
    assert space
    assert cli("generation", "start", "chunks").code == 0
    for arguments, why in (
        ([], "--copy or --embed"),
        (["--copy", "--embed", "mine:embed"], "--copy or --embed"),
        (["--copy"], "cannot be copied"),
        (["--embed", "nowhere:embed"], "cannot be imported"),
        (["--embed", "mine:absent"], "cannot be imported"),
        (["--embed", "mine"], "cannot be imported"),
        (["--embed", "mine:nothing"], "no function"),
        (["--embed", "mine:short"], "3 dimensions"),
        (["--embed", "mine:fails"], "RuntimeError"),
    ):
        failed = cli("generation", "fill", "chunks", *arguments)
        assert (failed.code, failed.out) == (1, ""), arguments
        assert why in failed.err
        assert "secret" not in failed.err
    gone = cli("generation", "drop", "chunks", "--yes", "--unfinished")
    assert gone.lines == ["Generation 2 of chunks is removed"]
    assert "has no other generation" in cli("generation", "switch", "chunks").err
    assert "absent" in cli("generation", "list", "absent").err


def test_a_store_is_renamed_and_then_dropped(
    cli: Cli, space: dict[str, Any], configure: Configure
) -> None:
    name = space["backends"]["main"]["shared"]
    head = f"backends: {{main: {{use: memory, shared: '{name}', schema: check}}}}\n"
    store = "kind: vector, dimensions: 2"
    configure(head + f"stores: {{passages: {{{store}, renamed_from: chunks}}}}\n")
    planned = cli("plan")
    assert planned.code == 3
    assert planned.lines == ["+ main/passages: rename vector store chunks to passages"]
    assert cli("apply", "--dry-run").lines == planned.lines
    assert cli("plan").code == 3
    assert cli("apply", "--yes").code == 0
    assert cli("plan").code == 0
    assert "1" in cli("stats").out
    refused = cli("apply", "--destroy", "passages", "--yes")
    assert (refused.code, refused.out) == (1, "")
    configure(head + "stores: {other: {kind: kv}}\n")
    kept = cli("plan")
    assert kept.code == 3
    assert any(line.startswith("= main/passages: ") for line in kept.lines)
    assert "--yes" in cli("apply", "--destroy", "passages").err
    assert cli("apply", "--destroy", "passages", "--dry-run").code == 0
    assert any("passages" in line for line in cli("plan").lines)
    assert cli("apply", "--destroy", "main/passages", "--yes").lines[-1] == (
        "main/passages is dropped"
    )
    assert not any("passages" in line for line in cli("plan").lines)
    assert cli("apply", "--destroy", "passages", "--yes").code == 1


def test_to_drop_a_store_its_name_is_asked_for(folder: Path) -> None:
    main = "main: {use: postgres, embedded: true}"
    file = folder / "polystore.yaml"
    file.write_text(f"backends: {{{main}}}\nstores: {{a: {{kind: kv}}, b: {{kind: kv}}}}\n")
    subprocess.run([PROGRAM, "apply", "--yes"], cwd=folder, check=True, capture_output=True)
    file.write_text(f"backends: {{{main}}}\nstores: {{b: {{kind: kv}}}}\n")
    for answer, code in ((b"yes\n", 1), (b"b\n", 1), (b"a\n", 0)):
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        done = subprocess.run(
            [PROGRAM, "apply", "--destroy", "a"],
            cwd=folder,
            stdin=theirs,
            capture_output=True,
            check=False,
            text=True,
        )
        os.close(ours)
        os.close(theirs)
        assert done.returncode == code, done.stderr
        assert 'DROP TABLE IF EXISTS "polystore"."kv_a"' in done.stdout
        assert ("is dropped" in done.stdout) == (code == 0)
