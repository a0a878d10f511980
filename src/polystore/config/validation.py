"""Runs a pydantic model over data and words its errors: place, key, what is wrong, what is near.

Messages are built here from the kind of each error: pydantic's own show the values they refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from polystore.config.annotations import at, known_keys, numbers_given_as_booleans
from polystore.config.origin import KeyPath, show_path
from polystore.config.problems import Problems, suggestion, with_suggestion
from polystore.config.redaction import redact
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

_CHOICES = frozenset(("literal_error", "enum"))
_FREE_TEXT = frozenset(("value_error", "assertion_error"))
_QUOTED = re.compile(r"'([^']*)'")
MAX_CHOICES = 6
"""How many values an error lists when one of them is near the wrong one."""
_KEY = "[key]"  # how pydantic marks that a mapping's key, not its value, is wrong


@dataclass(frozen=True, slots=True)
class Place:
    """What is validated, and how its errors are told.

    Attributes:
        path: Where the data stands in the whole configuration.
        problems: Where errors go.
        hidden: The values, by path, that may not be shown.
        failed: Paths whose errors are already told.
        context: Handed to the model's validators.
    """

    path: KeyPath
    problems: Problems
    hidden: Mapping[KeyPath, str] = field(repr=False)
    failed: Collection[KeyPath] = ()
    context: dict[str, Any] = field(default_factory=dict[str, Any])


def validate(model: type[M], data: dict[str, Any], place: Place) -> M | None:
    """Return `data` as a `model`, or None after adding to `place.problems` what is wrong."""
    numbers = list(numbers_given_as_booleans(model, data))
    for path in numbers:
        full = (*place.path, *path)
        place.problems.add(full, f"{show_path(full)} must be a number, not true or false")
    if numbers:
        place = replace(place, failed={*place.failed, *((*place.path, *path) for path in numbers)})
    try:
        return model.model_validate(data, context=place.context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    except PolystoreError as error:
        text = redact(str(error), place.hidden.values())
        place.problems.add(place.path, f"{show_path(place.path)}: {text}")
        return None
    _Translator(model, data, place).add(details)
    return None


@dataclass(slots=True)
class _Found:
    """An error with its path in the data; `branch` if a member of a union reported it."""

    path: KeyPath
    branch: bool
    details: ErrorDetails


class _Translator:
    def __init__(self, model: type[BaseModel], data: dict[str, Any], place: Place) -> None:
        self._model = model
        self._data = data
        self._place = place

    def add(self, details: list[ErrorDetails]) -> None:
        """Add the errors to the problems, those of a union's members as one."""
        found = [self._locate(error) for error in details]
        texts: dict[KeyPath, list[str]] = {}
        for item in found:
            full = (*self._place.path, *item.path)
            if full in self._place.failed or (item.branch and _explained(item, found)):
                continue
            text = self._text(item, full)
            known = texts.setdefault(full, [])
            if text not in known:
                known.append(text)
        for full, alternatives in texts.items():
            shown = show_path(full) or "the configuration"
            self._place.problems.add(full, shown + _joined(alternatives))

    def _locate(self, error: ErrorDetails) -> _Found:
        """Drop from the error's location what names members of unions and validators."""
        node: Any = self._data
        path: list[str | int] = []
        branch = False
        ends_with_key = error["type"] in ("missing", "extra_forbidden")
        for position, part in enumerate(error["loc"]):
            if _has(node, part):
                node = node[part]
                path.append(part)
            elif ends_with_key and position == len(error["loc"]) - 1:
                path.append(part)
            else:
                branch = branch or part != _KEY
        return _Found(tuple(path), branch, error)

    def _text(self, item: _Found, full: KeyPath) -> str:
        """Return what is wrong, to follow the key's path."""
        error, kind = item.details, item.details["type"]
        if kind == "missing":
            return " is missing"
        if kind == "extra_forbidden" or error["loc"][-1:] == (_KEY,):
            return with_suggestion(" is not known", str(item.path[-1]), self._names_near(item))
        if kind in _CHOICES:
            return self._choice(error, item.path, full)
        # A validator may speak of what stands beside the key that it refuses.
        message = redact(_message(error), within(self._place.hidden, full[:-1]).values())
        if not message.startswith("Input should be "):
            return f": {message}"
        text = f" must be {message.removeprefix('Input should be ')}"
        value = self._value(item.path)
        quotes = kind == "string_type" and isinstance(value, bool | int | float)
        return f"{text}; put it in quotes" if quotes else text

    def _names_near(self, item: _Found) -> set[str]:
        choices = _expected(item.details)
        return set(choices) or known_keys(at(self._model, item.path[:-1]))

    def _choice(self, error: ErrorDetails, path: KeyPath, full: KeyPath) -> str:
        value = self._value(path)
        choices = _expected(error)
        near = ""
        if isinstance(value, str) and full not in self._place.hidden:
            near = suggestion(value, choices)
        if near.endswith("?") and len(choices) > MAX_CHOICES:
            return f" is not one that is known; {near}"
        text = f" must be {(error.get('ctx') or {}).get('expected')}"
        return f"{text}; {near}" if near.endswith("?") else text

    def _value(self, path: KeyPath) -> Any:
        node: Any = self._data
        for part in path:
            node = node[part] if _has(node, part) else None
        return node


def within(hidden: Mapping[KeyPath, str], path: KeyPath) -> dict[KeyPath, str]:
    """Return the values of `hidden` that stand at `path` or below it."""
    return {key: text for key, text in hidden.items() if key[: len(path)] == path}


def _expected(error: ErrorDetails) -> list[str]:
    return _QUOTED.findall(str((error.get("ctx") or {}).get("expected", "")))


def _message(error: ErrorDetails) -> str:
    cause = (error.get("ctx") or {}).get("error")
    return str(cause) if error["type"] in _FREE_TEXT and cause is not None else error["msg"]


def _joined(texts: list[str]) -> str:
    if all(text.startswith(" must be ") for text in texts):
        return " must be " + ", or ".join(text.removeprefix(" must be ") for text in texts)
    return "; or ".join(text if i == 0 else text.lstrip(": ") for i, text in enumerate(texts))


def _explained(item: _Found, found: list[_Found]) -> bool:
    """Whether another member of the same union got further into the data than this one did."""
    depth = len(item.path)
    return any(len(o.path) > depth and o.path[:depth] == item.path for o in found)


def _has(node: Any, part: str | int) -> bool:
    if isinstance(node, dict):
        return part in cast("dict[str, Any]", node)
    if isinstance(node, list) and isinstance(part, int):
        return 0 <= part < len(cast("list[Any]", node))
    return False
