"""Loading: what changed and nothing else, whatever happened before."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.demo.helpers import ONE, SPLIT, client, content, load_folder, write

from polystore.demo.corpus import find_corpus
from polystore.demo.embedding import Embedded, embed_cached
from polystore.demo.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy import float32
    from numpy.typing import NDArray

    from polystore.demo.embedding import WordLlamaEmbedder

FILES: dict[str, str | bytes] = {
    "a.py": (
        '"""Module a."""\nimport b, zlib\n'
        'class A(b.B):\n    """Class A."""\n    def m(self): "Does."'
    ),
    "b.py": '"""Module b."""\nclass B:\n    """Class B."""\ndef f(): "Adds numbers."',
    "docs/read.md": "# Title\nSome words. [more](more.md)\n# Part\nOther words.",
    "docs/more.md": "More words.",
    "bad.py": "def",
    "data.txt": b"\xff",
}
CONFIGS = pytest.mark.parametrize("config", [ONE, SPLIT], ids=["atomic", "split"])


class Unlucky:
    """The real model, which fails after some calls, or says that it knows nothing."""

    def __init__(self, embedder: WordLlamaEmbedder, *, calls: int) -> None:
        self.model = embedder.model
        self.dimensions = embedder.dimensions
        self._embedder = embedder
        self._calls = calls

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        if not self._calls:
            raise OSError("out of luck")
        self._calls -= 1
        return self._embedder.embed(texts)


@CONFIGS
async def test_a_second_run_changes_nothing(
    config: dict[str, Any], tmp_path: Path, embedder: WordLlamaEmbedder
) -> None:
    write(tmp_path, FILES)
    async with client(config) as ps:
        first = await load_folder(ps, tmp_path, embedder)
        assert first.atomic == (config is ONE)
        assert (first.files, first.loaded, first.removed) == (6, 6, 0)
        assert first.chunks == 9
        assert first.embedded == 9
        assert {problem.path for problem in first.problems} == {"bad.py", "data.txt"}
        held = await content(ps)
        versions = {doc.id: doc.version async for doc in ps.doc("modules").scan()}
        second = await load_folder(ps, tmp_path, embedder)
        assert (second.loaded, second.unchanged, second.chunks, second.nodes) == (0, 6, 0, 0)
        assert {problem.path for problem in second.problems} == {"bad.py", "data.txt"}
        assert await content(ps) == held
        assert versions == {doc.id: doc.version async for doc in ps.doc("modules").scan()}


async def test_touching_a_file_is_no_change(tmp_path: Path, embedder: WordLlamaEmbedder) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        await load_folder(ps, tmp_path, embedder)
        write(tmp_path, FILES)
        assert (await load_folder(ps, tmp_path, embedder)).loaded == 0


async def test_the_cache_spares_embedding(tmp_path: Path, embedder: WordLlamaEmbedder) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        await load_folder(ps, tmp_path, embedder)
        held = await content(ps)
        await ps.doc("modules").clear()
        await ps.vector("chunks").clear()
        await ps.graph("code").clear()
        report = await load_folder(ps, tmp_path, Unlucky(embedder, calls=0))
        assert (report.embedded, report.cached) == (0, 9)
        assert await content(ps) == held


async def test_a_damaged_cache_entry_is_made_anew(embedder: WordLlamaEmbedder) -> None:
    async with client(ONE) as ps:
        cache = ps.kv("embeddings")
        first = await embed_cached(embedder, cache, ["some words", "others", "some words"])
        assert (first.computed, first.cached) == (3, 0)
        keys = [entry.key async for entry in cache.scan()]
        assert len(keys) == 2
        await cache.put_many({keys[0]: b"short", keys[1]: {"no": "bytes"}})
        again: Embedded = await embed_cached(embedder, cache, ["some words", "others"])
        assert again.computed == 2
        assert again.vectors.tobytes() == first.vectors[:2].tobytes()


@CONFIGS
async def test_changed_and_removed_files(
    config: dict[str, Any], tmp_path: Path, embedder: WordLlamaEmbedder
) -> None:
    write(tmp_path, FILES)
    changed = {**FILES, "a.py": '"""Module a, anew."""\nimport zlib'}
    del changed["b.py"], changed["docs/more.md"]
    async with client(config) as ps:
        await load_folder(ps, tmp_path, embedder)
        write(tmp_path, changed)
        report = await load_folder(ps, tmp_path, embedder)
        assert (report.loaded, report.removed, report.unchanged) == (1, 2, 3)
        fresh = ps.workspace("fresh")
        await load_folder(fresh, tmp_path, embedder)
        assert await content(ps) == await content(fresh)
        write(tmp_path, {})
        await load_folder(ps, tmp_path, embedder)
        assert not any((await content(ps)).values())


CODE = st.sampled_from(
    [
        "",
        "import a",
        "import b\nclass B(b.B): 'B.'",
        "import c, d\nclass C(c.C): pass",
        "class B: 'Base.'\nclass C(B): 'Other.'",
        "'''Doc.'''\ndef f(): 'Runs.'",
        "def f(",
    ]
)
VERSIONS = st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py", "d/__init__.py"]), CODE)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(VERSIONS, min_size=2, max_size=5), split=st.booleans())
async def test_any_history_ends_as_a_fresh_load(
    versions: list[dict[str, str | bytes]],
    split: bool,
    tmp_path: Path,
    embedder: WordLlamaEmbedder,
) -> None:
    async with client(SPLIT if split else ONE) as ps:
        for number, files in enumerate(versions):
            write(tmp_path, files)
            await load_folder(ps, tmp_path, embedder)
            fresh = ps.workspace(f"fresh {number}")
            await load_folder(fresh, tmp_path, embedder)
            assert await content(ps) == await content(fresh)


@CONFIGS
@pytest.mark.parametrize("calls", [0, 1, 2])
async def test_a_run_that_was_cut_off_is_repaired(
    config: dict[str, Any], calls: int, tmp_path: Path, embedder: WordLlamaEmbedder
) -> None:
    many = "\n".join(f"def f{number}(): 'Number {number} of {{0}}.'" for number in range(60))
    files: dict[str, str | bytes] = {
        f"m{number}/x.py": many.replace("{0}", str(number)) for number in range(45)
    }
    write(tmp_path, {name: files[name] for name in list(files)[:5]})
    async with client(config) as ps:
        with pytest.raises(OSError, match="out of luck"):
            await load_folder(ps, tmp_path, Unlucky(embedder, calls=0))
        write(tmp_path, files)
        with pytest.raises(OSError, match="out of luck"):
            await load_folder(ps, tmp_path, Unlucky(embedder, calls=calls))
        await load_folder(ps, tmp_path, embedder)
        assert (await load_folder(ps, tmp_path, embedder)).loaded == 0
        assert await ps.vector("chunks").count() == 45 * 60
        assert await ps.doc("modules").count() == 45


async def test_cancelled_it_leaves_nothing_running(
    tmp_path: Path, embedder: WordLlamaEmbedder
) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        task = asyncio.create_task(load_folder(ps, tmp_path, embedder))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (await load_folder(ps, tmp_path, embedder)).files == 6


async def test_documents_of_another_corpus_are_left_alone(
    tmp_path: Path, embedder: WordLlamaEmbedder
) -> None:
    write(tmp_path, FILES)
    other = tmp_path.parent / f"{tmp_path.name} other"
    shutil.copytree(tmp_path, other)
    (other / "own.py").write_text("'''Own.'''")
    async with client(ONE) as ps:
        await load_folder(ps, tmp_path, embedder)
        await ps.doc("modules").put("mine", {"no": "demo"})
        report = await load(ps, find_corpus(other), embedder)
        assert (report.loaded, report.removed) == (1, 0)
        assert sum("another corpus" in problem.reason for problem in report.problems) == 6
        assert await ps.doc("modules").count() == 8
