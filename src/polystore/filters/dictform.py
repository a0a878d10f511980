"""The friendly form of a filter, for YAML, command lines and people who know MongoDB.

`{"year": {"$gte": 2020, "$lt": 2024}, "status": "done", "tags": {"$contains": "db"}}`: every
entry has to hold. `$and`, `$or`, `$nor` take a list of such mappings, `$not` takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from polystore.errors import InvalidFilter
from polystore.filters.ast import MAX_DEPTH, And, Filter, Not, Or
from polystore.filters.builder import F
from polystore.filters.path import Path, parse_path
from polystore.filters.suggest import nearest
from polystore.types.json_domain import shorten

_Operator: TypeAlias = Callable[[F, Any], Filter]


def parse_filter(obj: Filter | Mapping[str, Any]) -> Filter:
    """Return the filter that `obj` means; `{}` matches everything. A filter is returned as it is.

    Raises:
        InvalidFilter: It means nothing; the message names the operator and the path.
    """
    return _parse(obj, 1)


def _flag(path: Path, name: str, operand: object, holds: Filter) -> Filter:
    if not isinstance(operand, bool):
        raise InvalidFilter(f"the operand of {name} on {shorten(str(path))} is not true or false")
    return holds if operand else ~holds


_FIELD_OPERATORS: Final[dict[str, _Operator]] = {
    "$eq": lambda field, value: field == value,
    "$ne": lambda field, value: field != value,
    "$gt": lambda field, value: field > value,
    "$gte": lambda field, value: field >= value,
    "$lt": lambda field, value: field < value,
    "$lte": lambda field, value: field <= value,
    "$in": lambda field, values: field.is_in(values),
    "$nin": lambda field, values: field.not_in(values),
    "$exists": lambda field, yes: _flag(field.path, "$exists", yes, field.exists()),
    "$is_null": lambda field, yes: _flag(field.path, "$is_null", yes, field.is_null()),
    "$contains": lambda field, value: field.contains(value),
    "$contains_any": lambda field, values: field.contains_any(values),
    "$contains_all": lambda field, values: field.contains_all(values),
    "$starts_with": lambda field, prefix: field.starts_with(prefix),
}
_GROUPS: Final[dict[str, Callable[[tuple[Filter, ...]], Filter]]] = {
    "$and": And,
    "$or": Or,
    "$nor": lambda items: Not(Or(items)),
}
_TOP_OPERATORS: Final = (*_GROUPS, "$not")
_INNER_OPERATORS: Final = (*_FIELD_OPERATORS, "$not")


def _parse(obj: object, depth: int) -> Filter:
    if isinstance(obj, Filter):
        return obj
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"the filter is nested more than {MAX_DEPTH} deep")
    if not isinstance(obj, Mapping):
        raise InvalidFilter(
            f"a {type(obj).__name__} stands where a filter belongs",
            hint='Write a mapping such as {"year": {"$gte": 2020}}',
        )
    entries = cast("Mapping[object, Any]", obj).items()
    return _all_of([_parse_entry(key, operand, depth) for key, operand in entries])


def _all_of(items: list[Filter]) -> Filter:
    return items[0] if len(items) == 1 else And(tuple(items))


def _parse_entry(key: object, operand: Any, depth: int) -> Filter:
    if not isinstance(key, str):
        raise InvalidFilter(
            f"a field name of type {type(key).__name__} is not text",
            hint="Put it in quotes in the YAML",
        )
    if key == "$not":
        return Not(_parse(operand, depth + 1))
    if key in _GROUPS:
        return _GROUPS[key](_parse_list(key, operand, depth))
    if key.startswith("$"):
        raise _unknown(key, "at the top of a filter", _TOP_OPERATORS, _INNER_OPERATORS)
    return _parse_field(F(parse_path(key)), operand, depth)


def _parse_list(name: str, operand: object, depth: int) -> tuple[Filter, ...]:
    if not isinstance(operand, list | tuple):
        raise InvalidFilter(
            f"the operand of {name} is a {type(operand).__name__}, not a list",
            hint=f'Write {{"{name}": [{{...}}, {{...}}]}}',
        )
    return tuple(_parse(item, depth + 1) for item in cast("list[object]", operand))


def _parse_field(field: F, operand: Any, depth: int) -> Filter:
    if isinstance(operand, list | tuple):
        raise InvalidFilter(
            f"the value for {shorten(str(field.path))} is a list, which equals nothing",
            hint="Use {$in: [...]} to match one of several values, or {$contains_all: [...]} or "
            "{$contains_any: [...]} to look into an array",
        )
    if not isinstance(operand, Mapping):
        return field == operand
    operations = cast("Mapping[object, Any]", operand)
    if not operations:
        raise InvalidFilter(
            f"no operator is given for {shorten(str(field.path))}",
            hint='Write e.g. {"$exists": true}',
        )
    return _all_of([_apply(field, name, value, depth) for name, value in operations.items()])


def _apply(field: F, name: object, operand: Any, depth: int) -> Filter:
    if name == "$not":
        if depth >= MAX_DEPTH:
            raise InvalidFilter(f"the filter is nested more than {MAX_DEPTH} deep")
        if not isinstance(operand, Mapping):
            raise InvalidFilter(
                f"the operand of $not on {shorten(str(field.path))} is not a mapping of operators",
                hint="Use $ne for the opposite of a value",
            )
        return Not(_parse_field(field, operand, depth + 1))
    apply = _FIELD_OPERATORS.get(name) if isinstance(name, str) else None
    if apply is None:
        where = f"on {shorten(str(field.path))}"
        raise _unknown(str(name), where, _INNER_OPERATORS, _TOP_OPERATORS)
    return apply(field, operand)


def _unknown(
    name: str, where: str, allowed: tuple[str, ...], elsewhere: tuple[str, ...]
) -> InvalidFilter:
    if name in elsewhere:
        place = "inside a field's mapping" if name in _FIELD_OPERATORS else "outside of a field"
        return InvalidFilter(
            f"the operator {name} cannot stand {where}", hint=f"It belongs {place}"
        )
    guess = nearest(name if name.startswith("$") else f"${name}", allowed)
    hint = f"Operators here are {', '.join(allowed)}"
    if not name.startswith("$"):
        hint += "; for a field inside an object write the path with a dot: a.b"
    return InvalidFilter(f"unknown operator {shorten(name)} {where}{guess}", hint=hint)
