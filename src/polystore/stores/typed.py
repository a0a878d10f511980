"""Pydantic models at the border of a store: checked on the way in and on the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from polystore.errors import InvalidRecord, SchemaMismatch
from polystore.types.json_domain import DOMAIN_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

M = TypeVar("M", bound=BaseModel)


def to_data(model: type[M], value: M | Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Return a model's data as JSON values; datetimes stay, so that the store writes its own form.

    Raises:
        InvalidRecord: `value` does not fit the model; the message names the fields, not the values.
    """
    try:
        checked = model.model_validate(value)
    except ValidationError as error:
        raise InvalidRecord(
            f"{what} does not fit {model.__name__}: {_problems(error)}",
            hint="Correct the value, or the model",
        ) from None
    return {name: _plain(part) for name, part in checked.model_dump(by_alias=True).items()}


def to_model(model: type[M], data: Mapping[str, Any], *, what: str) -> M:
    """Return stored data as a model.

    Raises:
        SchemaMismatch: It does not fit, for it was written without the model or by another one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SchemaMismatch(
            f"{what} as it is stored does not fit {model.__name__}: {_problems(error)}",
            hint="Give new fields a default, or rewrite what was stored before",
        ) from None


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'it'}: {problem['msg']}" for problem in problems
    )


def _plain(value: Any) -> Any:
    """Return what pydantic keeps as Python objects (dates, decimals, sets) as JSON values."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in cast("list[Any]", value)]
    return value if isinstance(value, DOMAIN_TYPES) else to_jsonable_python(value)
