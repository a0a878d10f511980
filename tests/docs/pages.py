"""The documentation as tests see it: pages, and the fenced blocks in them.

How a block is tried follows from how it is written:

- `python`: as if pasted into `python -m asyncio`, the blocks of a page one after the other.
- `python title="x.py"`: a file; it is run as a program.
- `py title="src/x.py"`: quoted from that file; `...` alone in a line leaves lines out.
- `text` right below one of these: what it prints. `...` stands for anything.
- `yaml` with backends or stores: a configuration; with a title also a file of that name.
  One whose title begins with `wrong` is for the code below it to show what is wrong.
- `console`: a terminal; its `$ polystore` commands are carried out, with what they print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READMES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md"))]

_FENCE = re.compile(
    r"^(?P<fence>`{3,})[ ]*(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: Where it stands.
        line: Of the first line inside the fence, from 1.
        language: As the fence says.
        title: A file's name, or "".
        body: What is inside.
        output: What the text block right below says it prints, or None.
    """

    page: Path
    line: int
    language: str
    title: str
    body: str
    output: str | None = None

    @property
    def where(self) -> str:
        """How a test names it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    found: list[Block] = []
    for number, fence in enumerate(fences):
        below = fences[number + 1] if number + 1 < len(fences) else None
        output = None
        if below and below["language"] == "text" and not text[fence.end() : below.start()].strip():
            output = below["body"]
        title = _TITLE.search(fence["rest"])
        line = text.count("\n", 0, fence.start("body")) + 1
        found.append(
            Block(page, line, fence["language"], title[1] if title else "", fence["body"], output)
        )
    return found


def page_id(page: Path) -> str:
    """Return how a test names a page."""
    return str(page.relative_to(ROOT))


def check_printed(printed: str, expected: str, where: str) -> None:
    """Fail unless `printed` is what the page says."""
    pattern = ".*?".join(re.escape(part) for part in _lines(expected).split("..."))
    matches = re.fullmatch(pattern, _lines(printed), re.DOTALL)
    assert matches, f"{where} prints\n{printed}\nand not\n{expected}"


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
