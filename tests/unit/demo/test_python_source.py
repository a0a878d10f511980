"""Python files taken apart."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.demo.helpers import source

from polystore.demo import python_source
from polystore.demo.records import node_id, storable, summary
from polystore.types.json_domain import check_text

if TYPE_CHECKING:
    from polystore.demo.records import Parsed

CODE = b'''\
"""About the module."""
import os.path as p, io
from collections import OrderedDict as OD
from . import sibling
from .sibling import Base
from typing import Generic

class Outer(OD, io.RawIOBase, Base, Generic[int], ValueError, make()):
    """The outer class.

    More.
    """
    class Inner(p.Thing):
        def deep(self): "Deep."
    @property
    def value(self): "Reads."
    @value.setter
    def value(self, new): "Writes."

if p:
    def either(a, /, b: int = 1, *c, d=2, **e) -> str:
        """One of two."""
        import late
        def hidden(): "Not reachable."
else:
    def either(): "The other."

try:
    async def later(): "In a block."
except ImportError:
    class Local(Outer): pass
'''


def parse(code: bytes, name: str = "pkg.mod", *modules: str, is_package: bool = False) -> Parsed:
    return python_source.parse(source(name, code, is_package=is_package), code, frozenset(modules))


def edges(parsed: Parsed, type_: str) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in parsed.edges if edge.type == type_}


def test_definitions() -> None:
    parsed = parse(CODE)
    assert not parsed.problems
    assert parsed.docstring == "About the module."
    assert {chunk.id: chunk.text for chunk in parsed.chunks} == {
        "module:pkg.mod": "About the module.",
        "class:pkg.mod.Outer": "The outer class.\n\nMore.",
        "method:pkg.mod.Outer.Inner.deep": "Deep.",
        "method:pkg.mod.Outer.value": "Reads.",
        "function:pkg.mod.either": "One of two.",
        "function:pkg.mod.later": "In a block.",
    }
    either = next(chunk for chunk in parsed.chunks if chunk.name == "pkg.mod.either")
    assert either.signature == "(a, /, b: int=1, *c, d=2, **e) -> str"
    assert (either.line, either.lines) == (21, 4)
    assert ("class:pkg.mod.Outer", "class:pkg.mod.Outer.Inner") in edges(parsed, "defines")
    assert ("module:pkg.mod", "class:pkg.mod.Local") in edges(parsed, "defines")


def test_imports_wherever_they_stand() -> None:
    assert {target for _, target in edges(parse(CODE), "imports")} == {
        f"module:{name}"
        for name in ("collections", "io", "late", "os.path", "pkg", "pkg.sibling", "typing")
    }
    known = {target for _, target in edges(parse(CODE, "pkg.mod", "pkg.sibling"), "imports")}
    assert "module:pkg" not in known


def test_inheritance_is_told_from_the_imports() -> None:
    found = edges(parse(CODE), "inherits")
    assert {target for owner, target in found if owner == "class:pkg.mod.Outer"} == {
        "class:collections.OrderedDict",
        "class:io.RawIOBase",
        "class:pkg.sibling.Base",
        "class:typing.Generic",
        "class:builtins.ValueError",
    }
    assert ("class:pkg.mod.Outer.Inner", "class:os.path.Thing") in found
    assert ("class:pkg.mod.Local", "class:pkg.mod.Outer") in found


@pytest.mark.parametrize(
    ("name", "is_package", "code", "target"),
    [
        ("a.b", False, b"from .c import d", "a.c"),
        ("a.b", True, b"from .c import d", "a.b.c"),
        ("a.b", True, b"from ..c import d", "a.c"),
        ("a", False, b"from . import d", "d"),
        ("a.b", False, b"from ... import d", None),
        ("a.b", False, b"import a.b", None),
    ],
)
def test_relative_imports(name: str, *, is_package: bool, code: bytes, target: str | None) -> None:
    found = {target for _, target in edges(parse(code, name, is_package=is_package), "imports")}
    assert found == (set() if target is None else {f"module:{target}"})


@pytest.mark.parametrize(
    "code",
    [
        b"def",
        b"\x00",
        b"# coding: nonsense\n",
        b"'\xff'",
        b"# coding: utf-8\n'\xe4'",
        b"(" * 5000 + b")" * 5000,
        b"-" * 100_000 + b"1",
        b"print 'two'",
    ],
)
def test_what_is_no_python_is_a_problem(code: bytes) -> None:
    parsed = parse(code)
    assert len(parsed.problems) == 1
    assert parsed.problems[0].path == "pkg.mod"
    assert not parsed.nodes
    assert not parsed.chunks


def test_what_no_engine_stores_is_replaced() -> None:
    parsed = parse(rb'''def f(a="\ud800"): "nul \x00, half \ud83d, odd \d"''')
    assert [chunk.text for chunk in parsed.chunks] == ["nul \ufffd, half \ufffd, odd \\d"]
    check_text(parsed.chunks[0].signature, what="signature")


@given(st.text())
def test_any_text_can_be_stored_after(text: str) -> None:
    check_text(storable(text), what="text")
    assert "\n" not in summary(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1))
def test_ids_fit_and_stay_apart(name: str, other: str) -> None:
    long = node_id("class", name * 600)
    assert len(long.encode()) <= 512
    assert long == node_id("class", name * 600)
    if name != storable(other):
        assert node_id("class", "x" * 600 + name) != node_id("class", "x" * 600 + storable(other))


@given(
    st.text(alphabet="abc=():,.\n \"'#@*\\\t\x00") | st.binary().map(lambda b: b.decode("latin1"))
)
def test_any_file_is_taken_apart_or_a_problem(text: str) -> None:
    parsed = parse(text.encode())
    assert parsed.problems or parsed.nodes


def test_builtin_names_are_classes() -> None:
    parsed = parse(b"class A(Exception): pass\nclass B(print): pass")
    assert edges(parsed, "inherits") == {("class:pkg.mod.A", "class:builtins.Exception")}
    assert isinstance(builtins.Exception, type)
