"""Python files taken apart with `ast`; nothing is imported or run."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import threading
import warnings
from typing import TYPE_CHECKING, Final, TypeAlias

from polystore.demo.imports import Scope
from polystore.demo.records import (
    DEFINES,
    IMPORTS,
    INHERITS,
    Chunk,
    Parsed,
    Problem,
    Source,
    node_id,
    storable,
)
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAX_SIGNATURE: Final = 200
_MAX_NAMES: Final = 50
_PARSING: Final = threading.Lock()
"""CPython 3.11 cannot parse in two threads at once (SystemError: recursion depth mismatch), and a
run that was cancelled may still be parsing in its thread when the next one begins."""
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def parse(source: Source, data: bytes, modules: frozenset[str]) -> Parsed:
    """Return the docstrings, definitions and imports of a Python file.

    A file that is no Python (of this interpreter's version) comes back with its problem and no
    content.

    Args:
        source: Which file.
        data: Its bytes.
        modules: Every module of the corpus, to tell `from package import module` from a name.
            Should a name become a module later, the importing file is not read again for that.
    """
    try:
        text = importlib.util.decode_source(data)
        with _PARSING, warnings.catch_warnings():
            # Odd escapes in somebody else's file are none of our business.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return _Module(source, tree, text.count("\n"), modules).parsed
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # MemoryError is what the parser raises for nesting that is too deep.
        reason = f"{type(error).__name__}: {storable(str(error))}"
        return Parsed(source, problems=[Problem(source.path, reason)])


class _Module:
    def __init__(
        self, source: Source, tree: ast.Module, lines: int, modules: frozenset[str]
    ) -> None:
        self.source = source
        self.parsed = Parsed(source, docstring=_docstring(tree), lines=lines)
        self.scope = Scope(source.name, is_package=source.is_package, modules=modules)
        self.seen: set[str] = set()
        self._note(source.node_id, "module", "Module", source.name, "", tree, 1, lines)
        for statement in _statements(tree.body, everywhere=True):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.scope.add(statement)
        self.scope.define(
            statement.name
            for statement in _statements(tree.body)
            if isinstance(statement, ast.ClassDef)
        )
        self._definitions(source.node_id, "", tree.body)
        for target, names in sorted(self.scope.imported.items()):
            properties = {"names": sorted(names)[:_MAX_NAMES]} if names else {}
            edge = Edge(source.node_id, IMPORTS, node_id("module", target), properties)
            self.parsed.edges.append(edge)

    def _definitions(self, owner: str, outer: str, body: Iterable[ast.stmt]) -> None:
        for statement in _statements(body):
            if isinstance(statement, ast.ClassDef):
                self._class(owner, outer, statement)
            elif isinstance(statement, _Function):
                kind = "method" if outer else "function"
                signature = _signature(statement)
                self._define(owner, kind, f"{outer}{statement.name}", signature, statement)

    def _class(self, owner: str, outer: str, statement: ast.ClassDef) -> None:
        bases = [self.scope.resolve(base) for base in statement.bases]
        shown = ", ".join(ast.unparse(base) for base in statement.bases)
        signature = f"({shown})"[:_MAX_SIGNATURE] if shown else ""
        name = f"{outer}{statement.name}"
        id_ = self._define(owner, "class", name, signature, statement)
        if id_ is None:
            return
        targets = {node_id("class", base) for base in bases if base is not None} - {id_}
        self.parsed.edges += [Edge(id_, INHERITS, target) for target in sorted(targets)]
        self._definitions(id_, f"{name}.", statement.body)

    def _define(
        self, owner: str, kind: str, local: str, signature: str, node: _Function | ast.ClassDef
    ) -> str | None:
        """Note a definition; None if its name was defined before (as a property's setter is)."""
        if local in self.seen:
            return None
        self.seen.add(local)
        name = f"{self.source.name}.{local}"
        id_ = node_id(kind, name)
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        self._note(id_, kind, kind.capitalize(), name, signature, node, node.lineno, lines)
        self.parsed.edges.append(Edge(owner, DEFINES, id_))
        return id_

    def _note(
        self,
        id_: str,
        kind: str,
        label: str,
        name: str,
        signature: str,
        node: _Function | ast.ClassDef | ast.Module,
        line: int,
        lines: int,
    ) -> None:
        properties = {"module": self.source.name, "name": name, "line": line}
        self.parsed.nodes.append(Node(id_, (label,), properties))
        text = _docstring(node)
        if text:
            self.parsed.chunks.append(Chunk(id_, kind, name, signature, text, line, lines))


def _statements(body: Iterable[ast.stmt], *, everywhere: bool = False) -> Iterator[ast.stmt]:
    """Yield statements and those in their blocks; in functions and classes only `everywhere`."""
    for statement in body:
        yield statement
        opaque = isinstance(statement, _Function | ast.ClassDef)
        if everywhere or not opaque:
            for block in _blocks(statement):
                yield from _statements(block, everywhere=everywhere)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, []):
            yield part.body


def _docstring(node: _Function | ast.ClassDef | ast.Module) -> str:
    text = ast.get_docstring(node, clean=False)
    return storable(inspect.cleandoc(text)) if text else ""


def _signature(node: _Function) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    text = storable(f"({ast.unparse(node.args)}){returns}")
    return text if len(text) <= _MAX_SIGNATURE else f"{text[:_MAX_SIGNATURE]}..."
