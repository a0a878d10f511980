"""Keys of any length in stores whose keys have at most 512 bytes.

LightRAG uses names of entities as keys, and pairs of them; in Chinese these pass 512 bytes easily.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from polystore.types.names import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK: Final = "\u241e"
_ROOM: Final = KEY_BYTES - len(_MARK.encode()) - 2 * sha256().digest_size


def stored_key(key: str) -> str:
    """Return `key`, or for a long one its beginning and a hash; no two keys share one.

    The beginning keeps the order and what `search_labels` finds, but for its far end.
    """
    if len(key) * 4 <= KEY_BYTES and _MARK not in key:
        return key
    raw = key.encode()
    if len(raw) <= KEY_BYTES and _MARK not in key:
        return key
    return raw[:_ROOM].decode(errors="ignore") + _MARK + sha256(raw).hexdigest()


def stored_keys(keys: Iterable[str], prefix: str = "") -> list[str]:
    """Return `stored_key` of each of `keys` behind `prefix`."""
    whole = [prefix + key for key in keys] if prefix else list(keys)
    # Most are short ones, which a look at all together finds out.
    if _MARK not in "".join(whole) and max(map(len, whole), default=0) * 4 <= KEY_BYTES:
        return whole
    return [stored_key(key) for key in whole]


def is_short(key: str) -> bool:
    """Whether `key` is stored as it is."""
    return stored_key(key) == key


def namespace_prefix(namespace: str) -> str:
    """Return what the keys of a namespace begin with in the store that keeps several."""
    return quote(namespace, safe="") + "/"
