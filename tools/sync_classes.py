"""What tools/generate_sync.py generates: modules, classes, and what follows no rule."""

from __future__ import annotations

from dataclasses import dataclass

KEPT = ("property", "override", "overload")
"""Decorators that a counterpart has too, in this order."""

WORDS = {
    "`async with`": "`with`",
    "`async with ": "`with ",
    ", in one event loop": "",
}
"""What reads differently in docstrings."""

PLAIN = {"async with ": "with ", "await ": "", "asyncio.sleep": "time.sleep"}
"""What reads differently in bodies that are taken over."""


@dataclass(frozen=True)
class Class:
    """A synchronous class: which asynchronous classes it shows, of those the last names it."""

    base: str
    shown: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Its name, and that of its counterpart."""
        return self.shown[-1][1]


@dataclass(frozen=True)
class Module:
    """A generated file."""

    name: str
    source: str
    classes: tuple[Class, ...]
    preamble: str = ""


MODULES = (
    Module(
        "handle",
        "polystore.stores.handle",
        (Class("Wrapper[H]", (("polystore.stores.handle", "Handle"),)),),
        'H = TypeVar("H", bound="AsyncHandle[Any]")',
    ),
    Module(
        "kv",
        "polystore.stores.kv",
        (Class("Handle[AsyncKVStore]", (("polystore.stores.kv", "KVStore"),)),),
    ),
    Module(
        "doc",
        "polystore.stores.doc",
        (Class("Handle[AsyncDocStore]", (("polystore.stores.doc", "DocStore"),)),),
    ),
    Module(
        "vector",
        "polystore.stores.vector",
        (
            Class(
                "Handle[AsyncVectorStore]",
                (
                    ("polystore.stores.vector_reads", "VectorReads"),
                    ("polystore.stores.vector", "VectorStore"),
                ),
            ),
        ),
    ),
    Module(
        "typed_doc",
        "polystore.stores.typed_doc",
        (
            Class(
                "Wrapper[AsyncTypedDocStore[M]]",
                (("polystore.stores.typed_doc", "TypedDocStore"),),
            ),
        ),
    ),
    Module(
        "typed_vector",
        "polystore.stores.typed_vector",
        (
            Class(
                "Wrapper[AsyncTypedVectorStore[M]]",
                (("polystore.stores.typed_vector", "TypedVectorStore"),),
            ),
        ),
    ),
    Module(
        "graph",
        "polystore.stores.graph",
        (
            Class(
                "Handle[AsyncGraphStore]",
                (
                    ("polystore.stores.graph_reads", "GraphReads"),
                    ("polystore.stores.graph", "GraphStore"),
                ),
            ),
        ),
    ),
    Module(
        "unit",
        "polystore.units.unit",
        (Class("Wrapper[AsyncUnitOfWork]", (("polystore.units.unit", "UnitOfWork"),)),),
    ),
    Module(
        "generations",
        "polystore.schema.generations",
        (
            Class(
                "Wrapper[AsyncGenerations]",
                (("polystore.schema.generations", "Generations"),),
            ),
        ),
    ),
    Module(
        "client",
        "polystore.client",
        (
            Class(
                "Wrapper[S]",
                (("polystore.tenancy", "Tenancy"), ("polystore.client", "Stores")),
            ),
            Class("Stores[AsyncWorkspace]", (("polystore.client", "Workspace"),)),
            Class("Stores[AsyncPolystore]", (("polystore.client", "Polystore"),)),
        ),
        'S = TypeVar("S", bound="AsyncStores")',
    ),
)
HOMES = {shown.name: module.name for module in MODULES for shown in module.classes}
"""In which generated file the counterpart of a class is."""

LEFT_OUT = {"runtime"}
"""Public members that are of no use outside the loop."""

IN_PLACE = {"workspace", "with_options"}
"""Plain methods that touch nothing shared; all others are called in the loop, one at a time."""


def _typed_or_not(method: str, name: str) -> str:
    """Return the body of a method that has a model or not, and an overload for each."""
    plain, typed = (
        f"self._portal.run(self._wrapped.{method}, name{model})" for model in ("", ", model=model")
    )
    return (
        f"if model is None:\n    return {name}(self._portal, {plain})\n"
        f"return Typed{name}(self._portal, {typed})"
    )


BODIES = {
    (owner, method): _typed_or_not(method, name)
    for owner in ("Stores", "UnitOfWork")
    for method, name in (("doc", "DocStore"), ("vector", "VectorStore"))
} | {
    ("Polystore", "start"): (
        "self._portal.open(self._wrapped.start, self._wrapped.close)\nreturn self"
    ),
    ("Polystore", "close"): "self._portal.close()",
    ("Polystore", "__aenter__"): "return self.start()",
    ("Polystore", "__aexit__"): "self.close()",
    ("UnitOfWork", "__aenter__"): "self._block.__enter__()\nreturn self",
    ("UnitOfWork", "__aexit__"): "self._block.__exit__(kind, error, trace)",
}
"""Handles with or without a model; beginnings and ends, which are about threads and tasks."""

EXTRA = {
    "UnitOfWork": (
        "def __init__(self, portal: Portal, wrapped: AsyncUnitOfWork) -> None:\n"
        "    super().__init__(portal, wrapped)\n"
        "    self._block = portal.manage(wrapped)\n"
    )
}
IMPORTS = """\
import time
from contextlib import AbstractContextManager
from collections.abc import Generator
from typing import Any, Generic, TypeVar
from typing_extensions import override
from polystore.sync.portal import Portal, settled
from polystore.sync.wrapper import Wrapper
"""
"""What generated code may use beside what the sources import; ruff drops the unused."""
