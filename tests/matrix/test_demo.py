"""`polystore demo --config FILE` on every combination: the same content, the same answers."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from unit.demo.helpers import client, content, fresh

from matrix.answers import Answer, differences
from polystore.capabilities import Feature
from polystore.cli.app import run as run_command
from polystore.demo.answer import DEFAULT_KINDS, ask
from polystore.demo.embedding import WordLlamaEmbedder
from polystore.demo.stores import CHUNKS
from polystore.filters import F

if TYPE_CHECKING:
    from polystore.client import Stores

WORKSPACE = "the demo"
QUESTIONS = ("encode an object as text", "write a record to a file", "expand environment variables")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real files: a few packages of the standard library, and pages of the documentation."""
    folder = tmp_path_factory.mktemp("corpus")
    library = Path(sysconfig.get_path("stdlib"))
    for package in ("json", "logging", "wsgiref"):
        shutil.copytree(library / package, folder / package, ignore=_compiled)
    for file in (library / "posixpath.py", ROOT / "docs" / "guarantees.md"):
        shutil.copy(file, folder)
    return folder


def _compiled(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


@dataclass(slots=True)
class Shown:
    """What a run of the demo left behind and said.

    Attributes:
        said: The line that tells how much was loaded.
        content: Everything in its stores.
        found: The hits of each question by vectors alone.
        words: What has a word of each question, where words can be searched for.
    """

    said: str
    content: dict[str, Any]
    found: dict[str, Answer] = field(default_factory=dict[str, Answer])
    words: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


def show(config: dict[str, Any], corpus: Path, folder: Path) -> Shown:
    """Run the command with a file of this configuration; return what can be seen of it."""
    file = folder / "demo.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    command = ["demo", "--config", str(file), "--path", str(corpus), "--workspace", WORKSPACE]
    for question in QUESTIONS:
        command += ["--ask", question]
    said, warned = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(warned):
        code = run_command(command)
    assert code == 0, warned.getvalue()
    lines = said.getvalue().splitlines()
    for question in QUESTIONS:
        assert any(line.startswith(f"{question} ---") for line in lines), said.getvalue()
    (loaded,) = [line for line in lines if "files loaded" in line]
    return asyncio.run(_read(config, loaded))


async def _read(config: dict[str, Any], loaded: str) -> Shown:
    embedder = WordLlamaEmbedder()
    async with client(config) as ps:
        stores = ps.workspace(WORKSPACE)
        shown = Shown(loaded, await content(stores))
        for question in QUESTIONS:
            shown.found[question] = await _by_vector(stores, embedder, question)
            answer = await ask(stores, embedder, question, k=3)
            assert len(answer.hits) == 3
            chunks = await fresh(stores.vector(CHUNKS))
            if Feature.TEXT_SEARCH in (await chunks.capabilities()).features:
                assert answer.how == "hybrid"
                found = await chunks.search_text(question, k=1000)
                shown.words[question] = {hit.id for hit in found}
            else:
                assert answer.how == "vector"
        await stores.drop()
        assert WORKSPACE not in await ps.workspaces()
    return shown


async def _by_vector(stores: Stores, embedder: WordLlamaEmbedder, question: str) -> Answer:
    vector = embedder.embed([question])[0]
    wanted = F("kind").is_in(DEFAULT_KINDS)
    chunks = await fresh(stores.vector(CHUNKS))
    hits = await chunks.search(vector, k=5, filter=wanted, exact=True)
    return Answer("scored", [[hit.id, hit.score] for hit in hits])


@pytest.fixture(scope="module")
def by_reference(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The demo on the reference backend."""
    memory = {"backends": {"main": {"use": "memory", "shared": "the demo's reference"}}}
    return show(memory, corpus, tmp_path_factory.mktemp("reference"))


def test_the_demo(
    combination: dict[str, Any], corpus: Path, by_reference: Shown, tmp_path: Path
) -> None:
    shown = show(combination, corpus, tmp_path)
    assert shown.said == by_reference.said
    assert shown.content == by_reference.content
    assert differences(shown.found, by_reference.found) == []
    if shown.words:
        assert shown.words == by_reference.words
