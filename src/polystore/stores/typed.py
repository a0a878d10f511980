"""Pydantic models at the border of a store: checked on the way in and on the way out.

A model is written by alias, as JSON, except that datetimes take the store's fixed-width form, so
that they sort and filter as any other. What is written is first read back through the model, in
memory: an object that was changed past its own rules, or a form that the model itself does not
read, is refused before any I/O.

What that costs, in memory, where nothing else costs much (`python -m bench --only typed`; documents
of four fields and 250 bytes; medians of five rounds on two busy cores): about 8 us for a document
that is written (put_many at 54,000 to 78,000 rows/s instead of 93,000 to 201,000) and 3 us for one
that is read (get in 18.1 us instead of 14.9).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

import orjson
from pydantic import AliasChoices, BaseModel, Secret, SecretBytes, SecretStr, ValidationError
from pydantic_core import to_jsonable_python
from pydantic_core.core_schema import ErrorType

from polystore.errors import ConfigError, InvalidRecord, SchemaMismatch
from polystore.types.json_domain import DOMAIN_TYPES, encode_json, format_datetime

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

_SHOWN_PROBLEMS = 5
_SCALARS = frozenset(DOMAIN_TYPES)
_KNOWN = frozenset(get_args(ErrorType))
_QUOTING = frozenset({"error", "encoding_error", "tag"})
"""Parts of pydantic's messages that may repeat what was given."""


def check_model(model: type[BaseModel]) -> None:
    """Refuse a model that would not find its fields again under the names that it writes.

    Raises:
        ConfigError: A field is written under another name than it is read from.
    """
    by_name = model.model_config.get("validate_by_name", False)
    by_name = by_name or model.model_config.get("populate_by_name", False)
    for name, field in model.model_fields.items():
        written = field.serialization_alias or name
        if not field.exclude and written not in _read_names(name, field, by_name=by_name):
            raise ConfigError(
                f"{model.__name__}.{name} is written as {written!r}, but not read from there",
                hint=f"Use Field(alias=...), or name {written!r} among its validation aliases",
            )


def to_data(model: type[M], value: M, *, what: str) -> dict[str, Any]:
    """Return a model's data as values that a store takes; datetimes stay datetimes.

    Raises:
        InvalidRecord: `value` does not fit the model; the message names the fields, not the values.
    """
    # Asked although the type says it: callers without a type checker pass dictionaries.
    if not isinstance(cast("object", value), model):
        raise InvalidRecord(
            f"{what} is of type {type(value).__name__}, not {model.__name__}",
            hint=f"Use {model.__name__}.model_validate(...)",
        )
    data = plain(_dumped(value, what), what=what)
    _fitting(model, data, what=what)
    return data


def to_merged(model: type[M], data: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Return merged JSON data as the model writes it.

    Raises:
        InvalidRecord: It does not fit the model; the message names the fields, not the values.
    """
    return to_data(model, _fitting(model, data, what=what), what=what)


def to_model(model: type[M], data: Mapping[str, Any], *, what: str) -> M:
    """Return stored data as a model.

    Raises:
        SchemaMismatch: It does not fit, for it was written without the model or by another one.
    """
    try:
        return _validated(model, data, what=what)
    except ValidationError as error:
        raise SchemaMismatch(
            f"{what} as it is stored does not fit {model.__name__}: {_problems(error)}",
            hint="Give new fields a default, or rewrite what was stored before",
        ) from None


def plain(data: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Return fields with what pydantic keeps as Python objects (dates, decimals, sets) as JSON.

    Raises:
        InvalidRecord: A field has no JSON form, or is a secret, of which that hides the value.
    """
    if not isinstance(cast("object", data), Mapping):
        # Of a root model, say; the store tells that it is no object.
        return cast("dict[str, Any]", data)
    fields: dict[str, Any] = {}
    for name, part in data.items():
        try:
            fields[_key(name)] = _plain(part)
        except InvalidRecord:
            raise
        except (ValueError, RecursionError):  # what pydantic says may quote the value
            raise InvalidRecord(
                f"{what} has no JSON form: {name}",
                hint="Give the field a serializer, see pydantic.field_serializer",
            ) from None
    return fields


def _read_names(name: str, field: FieldInfo, *, by_name: bool) -> set[object]:
    alias = field.validation_alias
    read: set[object] = set(alias.choices if isinstance(alias, AliasChoices) else [alias or name])
    return read | {name} if by_name else read


def _dumped(value: BaseModel, what: str) -> dict[str, Any]:
    try:
        # Without pydantic's warnings, which show values; what they warn of is refused below.
        return value.model_dump(by_alias=True, warnings=False)
    except (ValueError, RecursionError):
        raise InvalidRecord(
            f"{what} cannot be written: {type(value).__name__} does not serialize",
            hint="Call its model_dump() to see why",
        ) from None


def _fitting(model: type[M], data: Mapping[str, Any], *, what: str) -> M:
    try:
        return _validated(model, data, what=what)
    except ValidationError as error:
        raise InvalidRecord(
            f"{what} does not fit {model.__name__}: {_problems(error)}",
            hint="Correct the value, or the model",
        ) from None


def _validated(model: type[M], data: Mapping[str, Any], *, what: str) -> M:
    # As JSON, of which strict models too read dates, enums and the like from text.
    try:
        text = orjson.dumps(data)
    except TypeError:  # something that no store takes: this names the place
        text = encode_json(data, what=what)
    return model.model_validate_json(text)


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False)
    shown = [_problem(problem) for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return "; ".join(shown)


def _problem(problem: ErrorDetails) -> str:
    """Return place and reason; of messages that may quote what was given only their kind."""
    kind = problem["type"]
    told = kind in _KNOWN and _QUOTING.isdisjoint(problem.get("ctx", {}))
    place = ".".join(map(str, problem["loc"])) or "it"
    return f"{place}: {problem['msg'] if told else kind.replace('_', ' ')}"


def _plain(value: Any) -> Any:
    if type(value) in _SCALARS:  # most values, and quicker than what follows
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, DOMAIN_TYPES):
        return value
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {_key(key): _plain(part) for key, part in items}
    if isinstance(value, list | tuple | set | frozenset | deque):
        return [_plain(part) for part in cast("list[Any]", value)]
    if isinstance(value, SecretStr | SecretBytes | Secret):
        # To the caller a ValueError like those of pydantic: `plain` adds the field.
        raise ValueError("a secret is written as asterisks")  # noqa: TRY004
    return to_jsonable_python(value)


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    if isinstance(key, datetime):
        return format_datetime(key)
    return next(iter(to_jsonable_python({key: None})))
