"""The base of everything that walks a filter: compilers to an engine's language, above all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from polystore.filters.ast import (
        And,
        Compare,
        ContainsAll,
        ContainsAny,
        Exists,
        Filter,
        In,
        IsNull,
        Not,
        Or,
        StartsWith,
    )

T = TypeVar("T")


class Visitor(ABC, Generic[T]):
    """Makes a `T` of a filter, one method for each node; none can be forgotten.

    Operands arrive checked and in one form: datetimes as fixed-width UTC text, no -0.0, no NaN.
    Hand them to the engine as parameters, never inside its language.
    """

    def visit(self, node: Filter) -> T:
        """Return what this visitor makes of `node`."""
        return node.accept(self)

    @abstractmethod
    def visit_compare(self, node: Compare) -> T:
        """Express: the field eq, gt, gte, lt or lte the value, if both are of one kind."""

    @abstractmethod
    def visit_in(self, node: In) -> T:
        """Express: the field equals one of the values; never, where there are none."""

    @abstractmethod
    def visit_exists(self, node: Exists) -> T:
        """Express: the field is present, with null too."""

    @abstractmethod
    def visit_is_null(self, node: IsNull) -> T:
        """Express: the field is present and null; the path is never a system field."""

    @abstractmethod
    def visit_contains_any(self, node: ContainsAny) -> T:
        """Express: the field is an array with one of the values; never, where there are none."""

    @abstractmethod
    def visit_contains_all(self, node: ContainsAll) -> T:
        """Express: the field is an array with all of the values; any array, for none."""

    @abstractmethod
    def visit_starts_with(self, node: StartsWith) -> T:
        """Express: the field is a string that starts with the prefix."""

    @abstractmethod
    def visit_and(self, node: And) -> T:
        """Express: every item holds; true without items."""

    @abstractmethod
    def visit_or(self, node: Or) -> T:
        """Express: some item holds; false without items."""

    @abstractmethod
    def visit_not(self, node: Not) -> T:
        """Express: the item does not hold, missing fields included; mind SQL's NOT of a NULL."""
