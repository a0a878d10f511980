"""What the names of a Python file refer to, as far as its own text and the corpus tell."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_BUILTIN_CLASSES: Final = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type)
)


class Scope:
    """The imports of one module, and the classes at its top level.

    Args:
        module: The module's name.
        is_package: Whether it is a package, which relative imports start from.
        modules: Every module of the corpus.

    Attributes:
        imported: Each imported module, and the names taken from it.
    """

    def __init__(self, module: str, *, is_package: bool, modules: frozenset[str]) -> None:
        self.imported: dict[str, set[str]] = {}
        self._module = module
        self._package = module if is_package else module.rpartition(".")[0]
        self._modules = modules
        self._aliases: dict[str, str] = {}
        self._classes: frozenset[str] = frozenset()

    def add(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Note what a statement imports, at the top of the module or inside something."""
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                self._note(alias.name)
                bound = alias.name if alias.asname else alias.name.partition(".")[0]
                self._aliases.setdefault(alias.asname or bound, bound)
            return
        base = self._base(statement)
        if base is None:
            return
        for alias in statement.names:
            self._from(base, alias)

    def define(self, classes: Iterable[str]) -> None:
        """Note the classes that the module defines at its top level."""
        self._classes = frozenset(classes)

    def resolve(self, node: ast.expr) -> str | None:
        """Return the full name of what an expression such as `io.RawIOBase` or `Base[T]` names.

        None where it names nothing that can be told without running the file.
        """
        if isinstance(node, ast.Subscript):
            return self.resolve(node.value)
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            return None if owner is None else f"{owner}.{node.attr}"
        if not isinstance(node, ast.Name):
            return None
        if node.id in self._classes:
            return f"{self._module}.{node.id}"
        if node.id in self._aliases:
            return self._aliases[node.id]
        return f"builtins.{node.id}" if node.id in _BUILTIN_CLASSES else None

    def _base(self, statement: ast.ImportFrom) -> str | None:
        """Return the module that `from ... import` names; None if it lies outside the corpus."""
        if not statement.level:
            return statement.module
        parts = self._package.split(".") if self._package else []
        up = statement.level - 1
        if up > len(parts):
            return None
        inner = [statement.module] if statement.module else []
        return ".".join(parts[: len(parts) - up] + inner)

    def _from(self, base: str, alias: ast.alias) -> None:
        full = f"{base}.{alias.name}" if base else alias.name
        if alias.name != "*":
            self._aliases.setdefault(alias.asname or alias.name, full)
        if full in self._modules or not base:
            self._note(full)
        else:
            self._note(base, alias.name)

    def _note(self, module: str, name: str | None = None) -> None:
        if module == self._module:
            return
        names = self.imported.setdefault(module, set())
        if name is not None:
            names.add(name)
