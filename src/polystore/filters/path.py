"""Where a filter looks: the path of a field, or the name of a system field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, cast

import orjson
from typing_extensions import override

from polystore.errors import InvalidFilter, InvalidRecord
from polystore.filters.suggest import nearest
from polystore.types.json_domain import check_text, shorten

SystemKind: TypeAlias = Literal["string", "integer", "datetime", "strings"]
"""What a system field holds; "strings" is an array of strings."""

SYSTEM_FIELDS: Final[dict[str, SystemKind]] = {
    "id": "string",
    "version": "integer",
    "created_at": "datetime",
    "updated_at": "datetime",
    "expires_at": "datetime",
    "labels": "strings",
}
"""Name and kind of every system field; `labels` exists on graph nodes only."""

MAX_PATH_PARTS: Final = 64

_META: Final = "meta:"


@dataclass(frozen=True, slots=True)
class Path:
    """The keys that lead to a field, through objects only, never through array indexes.

    Attributes:
        parts: The keys, outermost first, taken literally: a dot in one is part of the key.
        meta: Whether this is a system field, which has one part, a name of `SYSTEM_FIELDS`.

    Raises:
        InvalidFilter: No such path can exist.
    """

    parts: tuple[str, ...]
    meta: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _check_parts(self.parts))
        if self.meta:
            _check_system_field(self.parts)

    @property
    def system_kind(self) -> SystemKind | None:
        """What the system field holds; None for a field of the document."""
        return SYSTEM_FIELDS[self.parts[0]] if self.meta else None

    @override
    def __str__(self) -> str:
        """Return the text form: `a.b`, `meta:created_at`, or a JSON array where a dot is in a key.

        `parse_path` makes the same path of it again.
        """
        if self.meta:
            return _META + self.parts[0]
        text = ".".join(self.parts)
        plain = all(part and "." not in part for part in self.parts)
        if plain and not text.startswith((_META, "[", "$")):
            return text
        return orjson.dumps(list(self.parts)).decode()


def parse_path(path: str | Sequence[str] | Path) -> Path:
    """Return the path that a text means, or a sequence of literal keys.

    Args:
        path: `"a.b"` is field b of object a, `"meta:id"` a system field. A text that starts with
            `[` is a JSON array of literal keys, the text form for keys with a dot.

    Raises:
        InvalidFilter: It means no path.
    """
    if isinstance(path, Path):
        return path
    if not isinstance(path, str):
        return Path(tuple(path))
    return _parse(path)


@lru_cache(maxsize=1024)
def _parse(path: str) -> Path:
    if path.startswith(_META):
        return Path((path.removeprefix(_META),), meta=True)
    if path.startswith("["):
        return Path(_parse_array(path))
    parts = tuple(path.split("."))
    if "" in parts:
        raise InvalidFilter(
            f"the path {shorten(path)} has an empty key",
            hint='Where a key is empty or has a dot, give the keys as a tuple: F(("a", "b.c"))',
        )
    return Path(parts)


def _parse_array(text: str) -> tuple[str, ...]:
    try:
        keys = orjson.loads(text)
    except orjson.JSONDecodeError:
        keys = None
    if not isinstance(keys, list):
        raise InvalidFilter(
            f"the path {shorten(text)} starts with [ but is not a JSON array of keys",
            hint='Write ["a", "b.c"]; a key that starts with [ is written ["[key"]',
        )
    return tuple(cast("list[str]", keys))


def _check_parts(parts: Any) -> tuple[str, ...]:
    if isinstance(parts, str) or not isinstance(parts, Sequence):
        raise InvalidFilter(
            f"a path is made of a tuple of keys, not of {type(cast('object', parts)).__name__}",
            hint='Write Path(("a", "b")) or parse_path("a.b")',
        )
    keys = cast("Sequence[object]", parts)
    if not 0 < len(keys) <= MAX_PATH_PARTS:
        raise InvalidFilter(f"a path has 1 to {MAX_PATH_PARTS} keys, not {len(keys)}")
    return tuple(_check_part(key) for key in keys)


def _check_part(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidFilter(
            f"a key of a path is text, not {type(key).__name__}",
            hint="Paths go through objects only; for arrays use contains",
        )
    try:
        return check_text(str.__str__(key), what="a key of a path")
    except InvalidRecord as error:
        raise InvalidFilter(error.message, hint=error.hint) from None


def _check_system_field(parts: tuple[str, ...]) -> None:
    if len(parts) == 1 and parts[0] in SYSTEM_FIELDS:
        return
    raise InvalidFilter(
        f"there is no system field {shorten('.'.join(parts))}{nearest(parts[0], SYSTEM_FIELDS)}",
        hint=f"They are {', '.join(SYSTEM_FIELDS)}; a field of your own is written without meta",
    )
