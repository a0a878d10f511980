"""The demo on PostgreSQL: the same content as on the reference backend, whatever changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unit.demo.helpers import ONE, client, content, load_folder, write

from polystore.demo.answer import ask
from polystore.demo.embedding import WordLlamaEmbedder

if TYPE_CHECKING:
    from pathlib import Path

FILES: dict[str, str | bytes] = {
    "a.py": '"""Module a."""\nimport b\nclass A(b.B):\n    def m(self): "Packs %s \\\\ \' bytes."',
    "b.py": '"""Module b."""\nclass B:\n    """Class B."""\ndef f(): "Adds numbers."',
    "read.md": "# \u05d0 Title\nSome words; drop table. [more](more.md)",
}
VERSIONS = [
    FILES,
    {**FILES, "a.py": '"""Module a, anew."""\nimport b, c'},
    {"a.py": FILES["a.py"], "more.md": "More words."},
]


async def test_postgres_holds_what_memory_holds(postgres_dsn: str, tmp_path: Path) -> None:
    embedder = WordLlamaEmbedder()
    config: dict[str, Any] = {"backends": {"main": {"use": "postgres", "dsn": postgres_dsn}}}
    async with client(config) as server, client(ONE) as memory:
        for files in VERSIONS:
            write(tmp_path, files)
            report = await load_folder(server, tmp_path, embedder)
            assert report.atomic
            await load_folder(memory, tmp_path, embedder)
            assert await content(server) == await content(memory)
            assert (await load_folder(server, tmp_path, embedder)).loaded == 0
        for question in ("pack bytes", "more words"):
            theirs = await ask(server, embedder, question, k=3)
            ours = await ask(memory, embedder, question, k=3)
            assert {hit.id for hit in theirs.hits} == {hit.id for hit in ours.hits}
            assert theirs.how == ours.how == "hybrid"
