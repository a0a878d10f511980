"""The filter language: frozen nodes, checked when they are made.

Nine nodes say everything. `ne` is `Not` of `Compare` eq, `nin` is `Not` of `In`, and `contains` is
`ContainsAll` of one value, so that a compiler has one case for each meaning. Logic is two-valued:
a test on a missing field is false, and `Not` is the exact complement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias, TypeVar, get_args

from typing_extensions import override

from polystore.errors import InvalidFilter
from polystore.filters.operands import (
    Scalar,
    check_ordered,
    check_prefix,
    check_scalar,
    check_values,
    identity,
)
from polystore.filters.path import Path, SystemKind
from polystore.filters.suggest import nearest
from polystore.types.json_domain import shorten

if TYPE_CHECKING:
    from polystore.filters.visitor import Visitor

T = TypeVar("T")

CompareOp: TypeAlias = Literal["eq", "gt", "gte", "lt", "lte"]

MAX_DEPTH: Final = 64
"""How many nodes may lie inside one another."""

_COMPARE_OPS: Final[tuple[str, ...]] = get_args(CompareOp)


class Filter(ABC):
    """A condition on documents. Combine conditions with `&`, `|` and `~`."""

    __slots__ = ()

    @property
    def depth(self) -> int:
        """How many nodes lie inside one another, this one included."""
        return 1

    @abstractmethod
    def accept(self, visitor: Visitor[T]) -> T:
        """Return what `visitor` makes of this node."""

    def __and__(self, other: Filter) -> Filter:
        return And(_items_of(And, self) + _items_of(And, other))

    def __or__(self, other: Filter) -> Filter:
        return Or(_items_of(Or, self) + _items_of(Or, other))

    def __invert__(self) -> Filter:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a filter is neither true nor false: combine filters with & | ~ instead of and, or, "
            "not, and write 1 < x < 3 as (x > 1) & (x < 3)"
        )

    @abstractmethod
    def identity_key(self) -> tuple[Any, ...]:
        """Return what equal filters of one class have in common."""

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filter):
            return NotImplemented
        return type(self) is type(other) and self.identity_key() == other.identity_key()

    @override
    def __hash__(self) -> int:
        return hash((type(self).__name__, self.identity_key()))


def _items_of(kind: type[And | Or], item: object) -> tuple[Filter, ...]:
    """Flatten, so that a long chain of `&` stays flat instead of growing deep."""
    if isinstance(item, kind):
        return item.items
    return (check_filter(item),)


def check_filter(item: object) -> Filter:
    """Return `item`, which must be a filter.

    Raises:
        InvalidFilter: It is not.
    """
    if isinstance(item, Filter):
        return item
    raise InvalidFilter(
        f"a {type(item).__name__} stands where a filter belongs",
        hint='Write a comparison such as F("year") >= 2020, in parentheses beside & and |',
    )


def _require_kind(path: Path, op: str, *kinds: SystemKind) -> None:
    """Refuse an operator that can never hold for a system field."""
    _check_path(path)
    if path.system_kind is not None and path.system_kind not in kinds:
        raise InvalidFilter(
            f"{op} cannot be asked of the system field {shorten(str(path))}",
            hint="labels is an array: use contains..." if path.system_kind == "strings" else None,
        )


def _check_path(path: Any) -> None:
    if not isinstance(path, Path):
        raise InvalidFilter(
            f"a filter needs a Path, not {type(path).__name__}", hint='Use parse_path("a.b")'
        )


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Filter):
    """The field equals a value, or is ordered before or after it."""

    path: Path
    op: CompareOp
    value: Scalar

    def __post_init__(self) -> None:
        if self.op not in _COMPARE_OPS:
            raise InvalidFilter(
                f"{shorten(str(self.op))} is no comparison{nearest(str(self.op), _COMPARE_OPS)}",
                hint=f"They are {', '.join(_COMPARE_OPS)}; ne is Not of eq",
            )
        _require_kind(self.path, self.op, "string", "integer", "datetime")
        check = check_scalar if self.op == "eq" else check_ordered
        object.__setattr__(self, "value", check(self.path, self.op, self.value))

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_compare(self)

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return self.path, self.op, identity(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class _Values(Filter):
    """A test against several values."""

    path: Path
    values: tuple[Scalar, ...]

    def _set_values(self, op: str, *kinds: SystemKind) -> None:
        _require_kind(self.path, op, *kinds)
        object.__setattr__(self, "values", check_values(self.path, op, self.values))

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return self.path, tuple(map(identity, self.values))


@dataclass(frozen=True, slots=True, eq=False)
class In(_Values):
    """The field equals one of the values."""

    def __post_init__(self) -> None:
        self._set_values("in", "string", "integer", "datetime")

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_in(self)


@dataclass(frozen=True, slots=True, eq=False)
class ContainsAny(_Values):
    """The field is an array with an element equal to one of the values (none of no values)."""

    def __post_init__(self) -> None:
        self._set_values("contains_any", "strings")

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_contains_any(self)


@dataclass(frozen=True, slots=True, eq=False)
class ContainsAll(_Values):
    """The field is an array with an element equal to each of the values (any array, of none)."""

    def __post_init__(self) -> None:
        self._set_values("contains_all", "strings")

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_contains_all(self)


@dataclass(frozen=True, slots=True, eq=False)
class Exists(Filter):
    """The field is present, null included; a system field is set."""

    path: Path

    def __post_init__(self) -> None:
        _check_path(self.path)

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_exists(self)

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return (self.path,)


@dataclass(frozen=True, slots=True, eq=False)
class IsNull(Filter):
    """The field is present and null."""

    path: Path

    def __post_init__(self) -> None:
        _check_path(self.path)
        if self.path.meta:
            raise InvalidFilter(
                f"the system field {shorten(str(self.path))} is never null",
                hint="Use exists to ask whether it is set",
            )

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_is_null(self)

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return (self.path,)


@dataclass(frozen=True, slots=True, eq=False)
class StartsWith(Filter):
    """The field is a string that starts with the prefix; any string does with an empty one."""

    path: Path
    prefix: str

    def __post_init__(self) -> None:
        _require_kind(self.path, "starts_with", "string")
        object.__setattr__(self, "prefix", check_prefix(self.path, self.prefix))

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_starts_with(self)

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return self.path, self.prefix


def _depth_over(items: tuple[Filter, ...]) -> int:
    depth = 1 + max((item.depth for item in items), default=0)
    if depth > MAX_DEPTH:
        raise InvalidFilter(
            f"the filter is nested {depth} deep, the most are {MAX_DEPTH}",
            hint="Write And and Or with many items instead of nesting them in pairs",
        )
    return depth


@dataclass(frozen=True, slots=True, eq=False)
class _Items(Filter):
    items: tuple[Filter, ...]
    _depth: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        items = tuple(check_filter(item) for item in self.items)
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "_depth", _depth_over(items))

    @property
    @override
    def depth(self) -> int:
        return self._depth

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return self.items


@dataclass(frozen=True, slots=True, eq=False)
class And(_Items):
    """Every item holds; so it does without any item."""

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_and(self)


@dataclass(frozen=True, slots=True, eq=False)
class Or(_Items):
    """At least one item holds; so it does not without any item."""

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_or(self)


@dataclass(frozen=True, slots=True, eq=False)
class Not(Filter):
    """The item does not hold: its exact complement, true on a missing field."""

    item: Filter
    _depth: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_depth", _depth_over((check_filter(self.item),)))

    @property
    @override
    def depth(self) -> int:
        return self._depth

    @override
    def __invert__(self) -> Filter:
        return self.item

    @override
    def accept(self, visitor: Visitor[T]) -> T:
        return visitor.visit_not(self)

    @override
    def identity_key(self) -> tuple[Any, ...]:
        return (self.item,)
