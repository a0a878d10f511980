"""Markdown and text files taken apart: sections as chunks, links between files as edges."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from polystore.demo.records import (
    DEFINES,
    LINKS,
    Chunk,
    Parsed,
    Problem,
    Source,
    node_id,
    storable,
    summary,
)
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES: Final = frozenset({".md", ".markdown", ".rst", ".txt"})
"""Files that are text."""
_SECTION_CHARS: Final = 1500
_HEADING: Final = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*")
_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_LINK: Final = re.compile(r"\]\(\s*<?([^)\s>]+)")
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|#")


@dataclass(slots=True)
class _Section:
    title: str
    line: int
    body: list[str]


def parse(source: Source, data: bytes) -> Parsed:
    """Return the sections of a text file and its links to other text files, there or not.

    Sections of more than 1,500 characters are split between paragraphs. A file that is no UTF-8
    comes back with its problem and no content.

    Args:
        source: Which file.
        data: Its bytes.
    """
    try:
        text = storable(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Parsed(source, problems=[Problem(source.path, f"is no UTF-8: {error.reason}")])
    parsed = Parsed(source, summary(text).lstrip("# "), text.count("\n") + (text[-1:] != "\n"))
    parsed.nodes.append(
        Node(source.node_id, ("File",), {"module": source.name, "name": source.name, "line": 1})
    )
    markdown = not source.name.lower().endswith(".txt")
    for section in _sections(text.splitlines(), markdown=markdown):
        _add_parts(parsed, section)
    for target in sorted(_targets(source.name, text)):
        parsed.edges.append(Edge(source.node_id, LINKS, node_id("file", target)))
    return parsed


def _sections(lines: list[str], *, markdown: bool) -> Iterator[_Section]:
    section = _Section("", 1, [])
    fenced = False
    for number, line in enumerate(lines, 1):
        if markdown and _FENCE.match(line):
            fenced = not fenced
        heading = _HEADING.fullmatch(line) if markdown and not fenced else None
        if heading is None:
            section.body.append(line)
            continue
        yield section
        section = _Section(heading[2], number, [])
    yield section


def _add_parts(parsed: Parsed, section: _Section) -> None:
    source = parsed.source
    taken = {node.id for node in parsed.nodes}
    for line, text in _parts(section):
        title = section.title or source.name
        name = f"{source.name}#{section.title or line}"
        id_ = node_id("section", name)
        if id_ in taken:
            id_ = node_id("section", f"{name}~{line}")
        taken.add(id_)
        lines = text.count("\n") + 1
        properties = {"module": source.name, "name": name, "line": line}
        parsed.nodes.append(Node(id_, ("Section",), properties))
        parsed.edges.append(Edge(source.node_id, DEFINES, id_))
        parsed.chunks.append(Chunk(id_, "section", title, "", text, line, lines))


def _parts(section: _Section) -> Iterator[tuple[int, str]]:
    """Yield the text of a section in parts of about `_SECTION_CHARS`, with their first lines."""
    part: list[str] = []
    first = size = 0
    for number, line in enumerate(section.body, section.line + bool(section.title)):
        if size > _SECTION_CHARS and not line.strip():
            yield first, "\n".join(part).strip()
            part, size = [], 0
        if part or line.strip():
            first = first if part else number
            part.append(line)
            size += len(line) + 1
    if part:
        yield first, "\n".join(part).strip()


def _targets(name: str, text: str) -> set[str]:
    folder = posixpath.dirname(name)
    found: set[str] = set()
    for link in _LINK.findall(text):
        if _URL.match(link):
            continue
        path = storable(unquote(link.partition("#")[0]))
        target = posixpath.normpath(posixpath.join(folder, path))
        inside = not target.startswith(("/", "../"))
        if inside and posixpath.splitext(target)[1].lower() in SUFFIXES:
            found.add(target)
    return found - {name}
