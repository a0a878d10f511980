"""Markdown and text taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from unit.demo.helpers import source

from polystore.demo import text_source

if TYPE_CHECKING:
    from polystore.demo.records import Parsed


def parse(text: str, name: str = "docs/page.md") -> Parsed:
    return text_source.parse(source(name), text.encode())


def test_sections() -> None:
    parsed = parse(
        "intro\n\n# One #\nfirst\n\n```\n# no heading\n```\n## Two\nsecond\n# Empty\n# One\nagain"
    )
    assert [(chunk.name, chunk.line, chunk.text) for chunk in parsed.chunks] == [
        ("docs/page.md", 1, "intro"),
        ("One", 4, "first\n\n```\n# no heading\n```"),
        ("Two", 10, "second"),
        ("One", 13, "again"),
    ]
    assert len({node.id for node in parsed.nodes}) == len(parsed.nodes) == 5
    assert {edge.target for edge in parsed.edges} == {chunk.id for chunk in parsed.chunks}


def test_a_hash_in_plain_text_is_no_heading() -> None:
    assert len(parse("# a\nb\n# c\nd", "notes.txt").chunks) == 1


def test_links_lead_to_files() -> None:
    text = (
        "[a](other.md) [b](../README.md#part) [c](https://example.org/x.md) [d](#here) "
        "[e](/absolute.md) [f](../../outside.md) [g](page.md) [h](with%20space.md 'title') "
        "[i](picture.png) [j](<angle.md>)"
    )
    targets = {edge.target for edge in parse(text).edges if edge.type == "links"}
    assert targets == {
        "file:docs/other.md",
        "file:README.md",
        "file:docs/with space.md",
        "file:docs/angle.md",
    }


def test_what_is_no_utf8_is_a_problem() -> None:
    parsed = text_source.parse(source("a.txt"), b"\xff\xfe\x00")
    assert parsed.problems[0].path == "a.txt"
    assert not parsed.nodes


@given(st.lists(st.text(alphabet="ab# \n`]([).md"), max_size=400).map("\n".join))
def test_nothing_is_lost(text: str) -> None:
    parsed = parse(text, "notes.txt")
    kept = [line for chunk in parsed.chunks for line in chunk.text.splitlines() if line.strip()]
    assert [line.strip() for line in kept] == [
        line.strip() for line in text.splitlines() if line.strip()
    ]
    assert len({chunk.id for chunk in parsed.chunks}) == len(parsed.chunks)


@given(st.text())
def test_any_text_is_taken_apart(text: str) -> None:
    assert text_source.parse(source("a.md"), text.encode(errors="replace")).nodes
