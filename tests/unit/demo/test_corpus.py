"""Finding files, and the standard library itself."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from unit.demo.helpers import write

from polystore.demo import c_modules, python_source
from polystore.demo.corpus import STDLIB_SKIPS, find_corpus
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_names_and_what_is_left_out(tmp_path: Path) -> None:
    files = ("a.py", "p/__init__.py", "p/b.py", "__init__.py", "x.md", "p/y.TXT", "data.json")
    unwanted = (".git/c.py", "node_modules/d.py", "__pycache__/e.py", "s/f.py", ".g.py")
    write(tmp_path, dict.fromkeys(files + unwanted, "text"))
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "folder").symlink_to(tmp_path / "p")
    corpus = find_corpus(tmp_path, skips=frozenset({"s"}))
    assert not corpus.problems
    assert {
        (source.name, source.package, source.is_package) for source in corpus.sources.values()
    } == {
        ("a", "a", False),
        ("p", "p", True),
        ("p.b", "p", False),
        ("__init__", "__init__", False),
        ("x.md", "", False),
        ("p/y.TXT", "p", False),
    }


def test_what_cannot_be_loaded_is_listed(tmp_path: Path) -> None:
    write(tmp_path, {"a/__init__.py": "", "a.py": "", "b.c.py": "", "b/c.py": "", "ok.py": ""})
    (tmp_path / "new\nline.py").write_text("")
    (tmp_path / os.fsdecode(b"byte\xff.py")).write_text("")
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(11 * 2**20)
    corpus = find_corpus(tmp_path)
    assert set(corpus.sources) == {"a", "b.c", "ok"}
    assert {problem.path for problem in corpus.problems} == {
        "a.py",
        "b/c.py",
        "new\nline.py",
        "byte\ufffd.py",
        "large.txt",
    }


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        find_corpus(tmp_path / "absent")


def test_the_standard_library() -> None:
    """Every file can be read, nothing is imported to do so, and no id stands for two things."""
    corpus = find_corpus(None)
    assert not corpus.problems
    assert {"zlib", "_bz2", "builtins", "json.decoder", "asyncio"} <= set(corpus.sources)
    assert not any(STDLIB_SKIPS & set(name.split(".")) for name in corpus.sources)
    names = frozenset(corpus.sources)
    before = set(sys.modules)
    parsed = [
        python_source.parse(source, source.file.read_bytes(), names)
        for source in corpus.sources.values()
        if source.format == "python"
        if source.file
    ]
    assert set(sys.modules) == before
    parsed += [
        c_modules.parse(source) for source in corpus.sources.values() if source.format == "c"
    ]
    assert not [problem for one in parsed for problem in one.problems]
    ids = Counter(node.id for one in parsed for node in one.nodes)
    assert [id_ for id_, times in ids.items() if times > 1] == []
    assert {"function:zlib.compress", "class:io.BytesIO", "class:bz2.BZ2Compressor"} <= set(ids)
    texts = {chunk.id: chunk for one in parsed for chunk in one.chunks}
    assert texts["function:zlib.compress"].signature.startswith("(data, /, level=")
    assert not any(" at 0x" in chunk.signature for chunk in texts.values())


def test_modules_in_c_say_the_same_each_time() -> None:
    for source in c_modules.sources():
        assert c_modules.parse(source) == c_modules.parse(source)
