"""Modules of the standard library that are written in C: what the interpreter says about them.

They have no source to parse, so a fixed list of them is imported and inspected. Only modules whose
import has no effect beyond itself are on it (`readline` changes the terminal, `audioop` warns), and
of those that only speed up a module in Python, none: that module's source says the same.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from polystore.demo.records import (
    DEFINES,
    INHERITS,
    Chunk,
    Parsed,
    Problem,
    Source,
    node_id,
    storable,
)
from polystore.types.json_domain import format_datetime
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from types import ModuleType

PUBLIC_NAMES: Final = {
    "_bz2": "bz2",
    "_collections": "collections",
    "_contextvars": "contextvars",
    "_csv": "csv",
    "_decimal": "decimal",
    "_io": "io",
    "_lzma": "lzma",
    "_sqlite3": "sqlite3",
    "_struct": "struct",
    "_weakref": "weakref",
    "array": "array",
    "atexit": "atexit",
    "binascii": "binascii",
    "builtins": "builtins",
    "cmath": "cmath",
    "faulthandler": "faulthandler",
    "fcntl": "fcntl",
    "gc": "gc",
    "itertools": "itertools",
    "marshal": "marshal",
    "math": "math",
    "mmap": "mmap",
    "posix": "os",
    "pwd": "pwd",
    "pyexpat": "xml.parsers.expat",
    "resource": "resource",
    "select": "select",
    "sys": "sys",
    "termios": "termios",
    "time": "time",
    "unicodedata": "unicodedata",
    "zlib": "zlib",
}
"""Modules to inspect, and the name under which people know what is in them."""

_IN_PYTHON: Final = frozenset({"collections.OrderedDict", "csv.Dialect"})
"""What the public module defines in Python too, under the same name."""


def sources() -> list[Source]:
    """Return those modules of the list that this interpreter has, without importing them."""
    found: list[Source] = []
    for name in PUBLIC_NAMES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or spec.origin.endswith(".py"):
            continue
        file = Path(spec.origin) if spec.has_location else None
        stat = file.stat() if file else None
        found.append(
            Source(
                name=name,
                format="c",
                path=f"{file.parent.name}/{name}.*{file.suffix}"
                if file
                else "(part of the interpreter)",
                file=file,
                is_package=False,
                sha256=hashlib.sha256(f"{sys.version} {name}".encode()).hexdigest(),
                size=stat.st_size if stat else 0,
                mtime=format_datetime(datetime.fromtimestamp(stat.st_mtime, UTC)) if stat else None,
            )
        )
    return found


def parse(source: Source) -> Parsed:
    """Return what the module and its public classes, functions and methods say of themselves."""
    try:
        module = importlib.import_module(source.name)
    except ImportError as error:
        return Parsed(source, problems=[Problem(source.path, f"cannot be imported: {error}")])
    return _Inspection(source, module).parsed


class _Inspection:
    def __init__(self, source: Source, module: ModuleType) -> None:
        self.public = PUBLIC_NAMES[source.name]
        self.parsed = Parsed(source, docstring=_doc(module))
        self._note(source.node_id, "module", "Module", source.name, module)
        homes = (source.name, self.public)
        members: dict[str, Any] = vars(module)
        for name, value in sorted(members.items()):
            full = f"{self.public}.{name}"
            if name.startswith("_") or full in _IN_PYTHON:
                continue
            if inspect.isclass(value):
                if value.__module__ in homes and value.__name__ == name:
                    self._class(full, value)
            elif inspect.isroutine(value):
                self._define(source.node_id, "function", "Function", full, value)

    def _class(self, full: str, value: type) -> None:
        id_ = self._define(self.parsed.source.node_id, "class", "Class", full, value)
        for base in value.__bases__:
            if base is not object:
                home = PUBLIC_NAMES.get(base.__module__, base.__module__)
                target = node_id("class", f"{home}.{base.__qualname__}")
                self.parsed.edges.append(Edge(id_, INHERITS, target))
        for name, member in sorted(vars(value).items()):
            if not name.startswith("_") and inspect.isroutine(member):
                self._define(id_, "method", "Method", f"{full}.{name}", member)

    def _define(self, owner: str, kind: str, label: str, full: str, value: Any) -> str:
        id_ = node_id(kind, full)
        self._note(id_, kind, label, full, value)
        self.parsed.edges.append(Edge(owner, DEFINES, id_))
        return id_

    def _note(self, id_: str, kind: str, label: str, full: str, value: Any) -> None:
        module = self.parsed.source.name
        self.parsed.nodes.append(Node(id_, (label,), {"module": module, "name": full, "line": 0}))
        text = _doc(value)
        if text:
            signature = _signature(value)
            self.parsed.chunks.append(Chunk(id_, kind, full, signature, text, 0, 0))


def _doc(value: Any) -> str:
    text = getattr(value, "__doc__", None)
    return storable(inspect.cleandoc(text)) if isinstance(text, str) else ""


def _signature(value: Any) -> str:
    """Return the signature that C code declares; it never holds an address, unlike `inspect`'s."""
    text = getattr(value, "__text_signature__", None)
    if not isinstance(text, str):
        return ""
    for receiver in ("$self", "$module", "$type"):
        text = text.replace(f"({receiver}, /, ", "(").replace(f"({receiver}, /)", "()")
        text = text.replace(f"({receiver}, ", "(").replace(f"({receiver})", "()")
    return text
