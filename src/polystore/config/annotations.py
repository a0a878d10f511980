"""Walks a model's annotations beside the data it is to validate.

Needed for two things that pydantic does not tell: which values are secrets, and which keys would
have been right where a key is wrong.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from polystore.config.origin import KeyPath


def field_names(model: type[BaseModel]) -> dict[str, Any]:
    """Return the annotation of each key that `model` takes."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the types that `annotation` stands for, without Annotated and unions."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    else:
        yield annotation


def is_secret(annotation: Any) -> bool:
    """Return whether a value of `annotation` may be a secret text."""
    return any(_is_class(kind, SecretStr) for kind in alternatives(annotation))


def known_keys(annotation: Any) -> set[str]:
    """Return the keys that the models among `annotation` take."""
    keys: set[str] = set()
    for kind in alternatives(annotation):
        if _is_class(kind, BaseModel):
            keys.update(field_names(cast("type[BaseModel]", kind)))
    return keys


def member(annotation: Any, key: str | int) -> Any:
    """Return the annotation of what stands under `key` in a value of `annotation`."""
    found: list[Any] = []
    for kind in alternatives(annotation):
        if _is_class(kind, BaseModel):
            fields = field_names(cast("type[BaseModel]", kind))
            if key in fields:
                found.append(fields[key])
            continue
        found.extend(_element(kind, key))
    return functools.reduce(lambda left, right: left | right, found) if found else Any


def _element(kind: Any, key: str | int) -> list[Any]:
    arguments = get_args(kind)
    origin = get_origin(kind)
    if not arguments or not isinstance(origin, type):
        return []
    if issubclass(origin, Mapping):
        return [arguments[-1]]
    if issubclass(origin, tuple) and arguments[-1] is not Ellipsis and isinstance(key, int):
        return [arguments[key]] if key < len(arguments) else []
    return [arguments[0]]


def at(annotation: Any, path: KeyPath) -> Any:
    """Return the annotation of what stands at `path` in a value of `annotation`."""
    for key in path:
        annotation = member(annotation, key)
    return annotation


def map_secrets(
    annotation: Any, data: Any, path: KeyPath, change: Callable[[Any, KeyPath], Any]
) -> Any:
    """Return `data` with every value that `annotation` types as a secret put through `change`."""
    if is_secret(annotation):
        return change(data, path)
    if isinstance(data, dict):
        return {
            key: map_secrets(member(annotation, key), value, (*path, key), change)
            for key, value in cast("dict[str, Any]", data).items()
        }
    if isinstance(data, list):
        return [
            map_secrets(member(annotation, position), value, (*path, position), change)
            for position, value in enumerate(cast("list[Any]", data))
        ]
    return data


def numbers_given_as_booleans(annotation: Any, data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the paths at which `data` has true or false where `annotation` wants a number.

    In Python a bool is an int, so that pydantic would take `max: true` for 1.
    """
    if isinstance(data, bool):
        kinds = set(alternatives(annotation))
        if kinds & {int, float} and not kinds & {bool, Any, object}:
            yield path
    elif isinstance(data, dict):
        for key, value in cast("dict[str, Any]", data).items():
            yield from numbers_given_as_booleans(member(annotation, key), value, (*path, key))
    elif isinstance(data, list):
        for key, value in enumerate(cast("list[Any]", data)):
            yield from numbers_given_as_booleans(member(annotation, key), value, (*path, key))


def _is_class(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, base)
