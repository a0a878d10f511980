"""Editors know precise types: a type checker agrees with every line of uses.py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import polystore

ROOT = Path(__file__).resolve().parents[2]
USES = Path(__file__).with_name("uses.py")
OWNERS: list[type] = [
    polystore.Polystore,
    polystore.Workspace,
    polystore.UnitOfWork,
    polystore.KVStore,
    polystore.DocStore,
    polystore.VectorStore,
    polystore.GraphStore,
    polystore.TypedDocStore,
    polystore.TypedVectorStore,
]
UNTYPED = {"raw", "runtime"}
"""A driver's own client, of whatever type; and what is behind the client."""
HEAD = """
from pydantic import BaseModel
import polystore
import polystore.sync

class Paper(BaseModel):
    title: str

class Other(BaseModel):
    title: str

async def use(ps: polystore.Polystore, plain: polystore.sync.Polystore) -> None:
"""
WRONG = {
    'await ps.doc("d", model=Paper).put("a", Other(title="t"))': "reportArgumentType",
    'await ps.doc("d", model=Paper).put("a", {"title": "t"})': "reportArgumentType",
    'await ps.doc("d", model=Paper).put_many({"a": Other(title="t")})': "reportArgumentType",
    '(await ps.doc("d", model=Paper).find()).items[0].data.titel': "reportAttributeAccessIssue",
    'ps.doc("d", model=Paper(title="t"))': "reportArgumentType",
    'ps.doc("d", model=dict)': "reportArgumentType",
    'ps.kv("k", model=Paper)': "reportCallIssue",
    '(await ps.vector("v", model=Paper).search([1.0]))[0].metadata.titel': (
        "reportAttributeAccessIssue"
    ),
    'await ps.vector("v", model=Paper).upsert([polystore.TypedRecord("a", [1], 1)])': (
        "reportArgumentType"
    ),
    'ps.doc("d", model=Paper).put("a", Paper(title="t"))': "reportUnusedCoroutine",
    'plain.doc("d", model=Paper).put("a", Other(title="t"))': "reportArgumentType",
    'plain.doc("d", model=Paper).get("a").title': "reportOptionalMemberAccess",
    'await plain.doc("d").get("a")': "reportGeneralTypeIssues",
    'with ps.unit_of_work("d"): pass': "reportGeneralTypeIssues",
}


def problems(path: Path) -> dict[int, list[tuple[str, str]]]:
    """Return rule and message of what is wrong in a file, by line."""
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--level", "error", "--outputjson", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, done.stdout + done.stderr
    found: dict[int, list[tuple[str, str]]] = {}
    for told in report["generalDiagnostics"]:
        line = told["range"]["start"]["line"] + 1
        found.setdefault(line, []).append((told.get("rule", ""), told["message"]))
    assert (done.returncode == 0) == (not found)
    return found


def test_every_type_is_what_it_is_said_to_be() -> None:
    assert problems(USES) == {}


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """Were everything Any, nothing would be."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(HEAD + "".join(f"    {line}\n" for line in WRONG), encoding="utf-8")
    found = problems(wrong)
    first = HEAD.count("\n") + 1
    rules = {
        line: [rule for rule, _ in found.pop(number, [])]
        for number, line in enumerate(WRONG, start=first)
    }
    assert found == {}
    assert {line: rule for line, rule in WRONG.items() if rule not in rules[line]} == {}, rules


def test_a_wrong_type_in_the_list_would_be_found(tmp_path: Path) -> None:
    text = USES.read_text(encoding="utf-8")
    right = 'assert_type(docs.get("a"), Paper | None)'
    assert text.count(right) == 1
    changed = tmp_path / "changed.py"
    changed.write_text(text.replace(right, 'assert_type(docs.get("a"), int)'), encoding="utf-8")
    (rules,) = problems(changed).values()
    assert [rule for rule, _ in rules] == ["reportAssertTypeFailure"]


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_the_list_is_complete(owner: type) -> None:
    text = USES.read_text(encoding="utf-8")
    public = {name for name in dir(owner) if not name.startswith("_")} - UNTYPED
    assert {name for name in public if not re.search(rf"\.{name}\b", text)} == set()
