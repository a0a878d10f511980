"""A fault, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from polystore.filters import And, Filter, Not, Or
from polystore_memory.backend import MemoryBackend
from polystore_memory.doc import MemoryDoc
from polystore_memory.graph import MemoryGraph
from polystore_memory.kv import MemoryKV
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

Break = TypeVar("Break", bound="Callable[[pytest.MonkeyPatch], None]")
Class = TypeVar("Class", bound=type)

_REPLACED = (MemoryKV, MemoryDoc, MemoryVector, MemoryGraph, MemoryBackend)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which a backend can be wrong.

    Attributes:
        name: Of the class or function that has it.
        caught_by: The contract that must catch it: kind/topic/test, or test[parameters].
        apply: Makes the memory backend wrong in this way.
    """

    name: str
    caught_by: str
    apply: Callable[[pytest.MonkeyPatch], None]

    @property
    def suite(self) -> str:
        """Which suite has the contract: `kv`, `doc`, `vector`, `graph` or `backend`."""
        return self.caught_by.partition("/")[0]

    @property
    def contract(self) -> str:
        """The contract, without parameters."""
        return self.caught_by.partition("[")[0]

    @property
    def test(self) -> str:
        """The test, with parameters if they are named."""
        return self.caught_by.rpartition("/")[2]


FAULTS: dict[str, Fault] = {}


def broken(caught_by: str) -> Callable[[Class], Class]:
    """Register a class that stands for the memory backend's class that it is derived from."""

    def register(cls: Class) -> Class:
        (replaced,) = (base.__name__ for base in _REPLACED if issubclass(cls, base))
        _add(cls.__name__, caught_by, lambda p: p.setattr(_backend(replaced), cls))
        return cls

    return register


def broken_by(caught_by: str) -> Callable[[Break], Break]:
    """Register a function that makes the fault with a MonkeyPatch."""

    def register(function: Break) -> Break:
        _add(function.__name__, caught_by, function)
        return function

    return register


def _add(name: str, caught_by: str, apply: Callable[[pytest.MonkeyPatch], None]) -> None:
    assert name not in FAULTS, name
    FAULTS[name] = Fault(name, caught_by, apply)


def _backend(name: str) -> str:
    return f"polystore_memory.backend.{name}"


def rewritten(node: Filter, change: Callable[[Filter], Filter]) -> Filter:
    """Return a filter with `change` applied to every node, the innermost first."""
    if isinstance(node, And):
        return change(And(tuple(rewritten(item, change) for item in node.items)))
    if isinstance(node, Or):
        return change(Or(tuple(rewritten(item, change) for item in node.items)))
    if isinstance(node, Not):
        return change(Not(rewritten(node.item, change)))
    return change(node)
