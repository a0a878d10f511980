"""Answers on a small corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.demo.helpers import ONE, client, load_folder, write

from polystore.demo.answer import ask
from polystore.errors import InvalidRecord

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.demo.embedding import WordLlamaEmbedder

FILES: dict[str, str | bytes] = {
    "tools/__init__.py": '"""Tools."""',
    "tools/zip.py": '"""Packing."""\nimport tools.base\ndef pack(data): "Compress bytes of data."',
    "tools/base.py": (
        'class Base: "A base class for animals."\nclass Cat(Base): "A cat, which is an animal."\n'
        'def _hidden(): "Compress bytes of data secretly."'
    ),
    "other.py": 'import tools.zip\ndef shrink(data): "Compress bytes in another way."',
    "read.md": "# Install\nInstall the package with pip and begin. [more](more.md)",
    "more.md": "Everything else.",
}


async def test_answers(tmp_path: Path, embedder: WordLlamaEmbedder) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        await load_folder(ps, tmp_path, embedder)
        answer = await ask(ps, embedder, "compress bytes", k=2)
        assert answer.how == "hybrid"
        assert {hit.name for hit in answer.hits} == {"tools.zip.pack", "other.shrink"}
        scores = [hit.score for hit in answer.hits]
        assert scores == sorted(scores, reverse=True)

        only = await ask(ps, embedder, "compress bytes", package="tools", kinds=["function"])
        assert [hit.name for hit in only.hits] == ["tools.zip.pack"]
        assert only.hits[0].signature == "(data)"
        assert {(part.node, part.verb): part.others for part in only.around} == {
            ("function:tools.zip.pack", "is defined in"): ["module:tools.zip"],
            ("module:tools.zip", "imports"): ["module:tools.base"],
            ("module:tools.zip", "is imported by"): ["module:other"],
            ("module:tools.zip", "defines"): ["function:tools.zip.pack"],
        }
        assert [(doc.name, doc.path, doc.lines) for doc in only.documents] == [
            ("tools.zip", "tools/zip.py", 2)
        ]


async def test_inheritance_and_sections(tmp_path: Path, embedder: WordLlamaEmbedder) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        await load_folder(ps, tmp_path, embedder)
        cat = await ask(ps, embedder, "a cat", k=1)
        assert ("inherits from", ["class:tools.base.Base"]) in [
            (part.verb, part.others) for part in cat.around
        ]
        section = await ask(ps, embedder, "how do I install the package", k=1)
        assert section.hits[0].kind == "section"
        assert ("links to", ["file:more.md"]) in [
            (part.verb, part.others) for part in section.around
        ]
        assert section.documents[0].path == "read.md"


async def test_nothing_to_find(tmp_path: Path, embedder: WordLlamaEmbedder) -> None:
    write(tmp_path, FILES)
    async with client(ONE) as ps:
        empty = await ask(ps, embedder, "the and of", k=3)
        assert (empty.hits, empty.around, empty.documents) == ([], [], [])
        with pytest.raises(InvalidRecord, match="no word"):
            await ask(ps, embedder, "")
