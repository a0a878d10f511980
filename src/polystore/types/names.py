"""Names that people choose: workspaces, stores, keys; and the checks they pass before any I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from polystore.errors import ConfigError, InvalidRecord, LimitExceeded
from polystore.types.json_domain import check_text

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKSPACE_BYTES = 256
KEY_BYTES = 512
"""Bytes (UTF-8) that a key, id or edge type may have on every backend."""

_STORE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_workspace(name: object) -> str:
    """Return `name`, which must be 1 to 256 bytes of any Unicode text without NUL.

    Nothing is folded or trimmed: `a-b`, `a_b`, `A-B` and `a-b ` are four workspaces.

    Raises:
        InvalidRecord: It is empty, not text, or holds a NUL or lone surrogate.
        LimitExceeded: It is longer.
    """
    return check_key(name, what="the workspace name", limit=WORKSPACE_BYTES)


def check_store_name(name: str) -> str:
    """Return `name`, which must be a lower-case identifier of at most 40 characters.

    Engines turn it into table, collection and index names, so it has no room for `__`, which
    separates what they add.

    Raises:
        ConfigError: It is something else.
    """
    if _STORE_NAME.fullmatch(name) is None or "__" in name or name.endswith("_"):
        raise ConfigError(
            f"{name!r} is no store name",
            hint="Use 1 to 40 of a-z, 0-9 and single _ between them, beginning with a letter",
        )
    return name


def check_key(key: object, *, what: str = "the key", limit: int = KEY_BYTES) -> str:
    """Return `key`, which must be non-empty text of at most `limit` UTF-8 bytes.

    Raises:
        InvalidRecord: It is empty, not text, or holds a NUL or lone surrogate.
        LimitExceeded: It is longer than `limit`.
    """
    if type(key) is not str:
        if not isinstance(key, str):
            raise InvalidRecord(f"{what} must be text, not {type(key).__name__}")
        key = str.__str__(key)
    if key.isascii() and "\x00" not in key and 0 < len(key) <= limit:
        return key
    if not key:
        raise InvalidRecord(f"{what} is empty", hint="Give it at least one character")
    check_text(key, what=what)
    size = len(key.encode())
    if size > limit:
        raise LimitExceeded(
            f"{what} has {size} bytes, more than {limit}", hint="Shorten it, e.g. with a hash"
        )
    return key


def check_keys(
    keys: Iterable[object], *, what: str = "the key", limit: int = KEY_BYTES
) -> list[str]:
    """Return `keys` as a list, each passed through `check_key`."""
    if isinstance(keys, str | bytes):
        raise InvalidRecord(
            f"expected several keys, got one {type(keys).__name__}", hint="Use [key]"
        )
    checked = list(keys)
    if not _are_plain(checked, limit):
        checked = [check_key(key, what=what, limit=limit) for key in checked]
    return cast("list[str]", checked)


def _are_plain(keys: list[Any], limit: int) -> bool:
    """Whether a look at all together, cheaper than one at each, finds nothing to look at closer."""
    if not keys or set(map(type, keys)) != {str}:
        return False
    text = "".join(keys)
    return text.isascii() and "\x00" not in text and all(keys) and max(map(len, keys)) <= limit
