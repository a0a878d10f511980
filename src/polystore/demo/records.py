"""What the parts of the demo hand to one another."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from polystore.types.names import KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.types.records import Edge, Node

Format: TypeAlias = Literal["python", "c", "text"]

IMPORTS: Final = "imports"
DEFINES: Final = "defines"
INHERITS: Final = "inherits"
LINKS: Final = "links"

_MAX_TEXT: Final = 8000
_PARAGRAPH: Final = "\n\n"
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_SENTENCE: Final = re.compile(r"(?<=[a-z)][.!?]) (?=[A-Z])")
_MAX_SUMMARY: Final = 140
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or a part of one, that was passed over, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the corpus (or a module in C), found but not yet taken apart.

    Attributes:
        name: The document's id: a module's name, or a text file's relative path.
        format: How it is taken apart.
        path: Where it is, relative to the corpus; for people.
        file: The file itself; None for a module that is compiled into the interpreter.
        is_package: Whether it is a package's `__init__.py`.
        sha256: Of its bytes; for a module in C, of the interpreter's version and its name.
        size: Bytes.
        mtime: ISO 8601 in UTC, or None without a file.
    """

    name: str
    format: Format
    path: str
    file: Path | None
    is_package: bool
    sha256: str
    size: int
    mtime: str | None

    @property
    def package(self) -> str:
        """The top-level package or folder; a single module is its own package."""
        if self.format == "text":
            folder, slash, _ = self.name.partition("/")
            return folder if slash else ""
        return self.name.partition(".")[0]

    @property
    def node_id(self) -> str:
        """Its node in the graph."""
        return node_id("file" if self.format == "text" else "module", self.name)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A docstring or section: what is embedded and searched. Its id is its node's id."""

    id: str
    kind: str
    name: str
    signature: str
    text: str
    line: int
    lines: int

    @property
    def public(self) -> bool:
        """Whether no part of its name begins with an underscore."""
        return self.kind == "section" or not any(
            part.startswith("_") for part in self.name.split(".")
        )

    @property
    def searched(self) -> str:
        """The text to store and search: the name, the signature and the whole docstring."""
        return f"{self.name}{self.signature}\n\n{self.text}"[:_MAX_TEXT]

    @property
    def embedded(self) -> str:
        """The text to embed: the words of the name, and the first paragraph.

        A vector of a long text is near to everything and best for nothing.
        """
        if self.kind == "section":
            return f"{self.name}: {self.text}"[:_MAX_TEXT]
        words = " ".join(_WORDS.findall(self.name))
        return f"{words}: {self.text.split(_PARAGRAPH, 1)[0]}"[:_MAX_TEXT]


@dataclass(slots=True)
class Parsed:
    """A file taken apart."""

    source: Source
    docstring: str = ""
    lines: int = 0
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    nodes: list[Node] = field(default_factory=list["Node"])
    edges: list[Edge] = field(default_factory=list["Edge"])
    problems: list[Problem] = field(default_factory=list[Problem])


class Progress(Protocol):
    """Told how a load goes on; both calls come from the event loop."""

    def stage(self, name: str, total: int) -> None:
        """Begin a part of the job, which has `total` steps."""
        ...

    def advance(self, steps: int) -> None:
        """Note that `steps` more are done."""
        ...


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int) -> None:
        """Ignore it."""

    def advance(self, steps: int) -> None:
        """Ignore it."""


@dataclass(slots=True)
class LoadReport:
    """What a load found and did; times are seconds.

    `read`, `embed` and `write` overlap, so that they may add up to more than `total`.

    Attributes:
        atomic: Whether each group of files was written in one unit of work.
    """

    files: int = 0
    loaded: int = 0
    unchanged: int = 0
    removed: int = 0
    chunks: int = 0
    embedded: int = 0
    cached: int = 0
    nodes: int = 0
    edges: int = 0
    atomic: bool = False
    problems: list[Problem] = field(default_factory=list[Problem])
    read: float = 0.0
    embed: float = 0.0
    write: float = 0.0
    total: float = 0.0


def node_id(kind: str, name: str) -> str:
    """Return `kind:name`, shortened with a hash where it would be too long for a key."""
    full = f"{kind}:{name}"
    if len(full.encode()) <= KEY_BYTES:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()
    kept = full.encode()[: KEY_BYTES - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


def storable(text: str) -> str:
    """Return `text` with what no engine stores, NUL and lone surrogates, replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def summary(text: str) -> str:
    """Return the first sentence of `text`, or as much of it as fits into a line or two."""
    paragraph = " ".join(text.lstrip().split(_PARAGRAPH, 1)[0].split())
    sentence = _SENTENCE.split(paragraph, maxsplit=1)[0]
    if len(sentence) <= _MAX_SUMMARY:
        return sentence
    return f"{sentence[:_MAX_SUMMARY].rsplit(' ', 1)[0]} ..."
