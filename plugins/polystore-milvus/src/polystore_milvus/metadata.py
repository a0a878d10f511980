"""Metadata as facts: a JSON object that Milvus can filter exactly.

Milvus compares JSON values by rules of its own: on some servers `true` equals 1, integers past
2**53 are doubles, null cannot be told from missing. So filters never look at the metadata itself
but at facts made of it, in which every value is a string that sorts as the value does:

    null "1", false "2", true "3", a number "4" and its order in base 64, a text "5" and itself

A key says by its ending what stands there: `.v` a scalar, `.a` the distinct scalars of an array,
`.o` the facts of an object. Letters, digits, `_`, `-` and everything beyond ASCII stand for
themselves in a key, other characters as a dot and two hexadecimal digits.

Arrays begin with `FILLER` and empty objects hold it, for not every server says of something empty
that it exists. Facts are at most `EXPANSION` times as long as the JSON text that they
are made of, and `FILLING` bytes.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, Final, cast

from polystore.types.sortkey import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXPANSION: Final = 4
"""How many times as long as the metadata's text its facts may be."""

FILLING: Final = 16
"""Bytes to add to that, for very short texts."""

SCALAR: Final = ".v"
ARRAY: Final = ".a"
OBJECT: Final = ".o"
FILLER: Final = ""
"""Is no key and no token."""

NULL: Final = "1"
FALSE: Final = "2"
TRUE: Final = "3"
NUMBER: Final = "4"
TEXT: Final = "5"
AFTER_NUMBERS: Final = TEXT
AFTER_TEXTS: Final = "6"

_DIGITS: Final = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""64 characters in their own order; a number's last ones are left out where they are the first."""
_IN_ORDER: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", _DIGITS.encode()
)
"""From the digits of base 64 as it is usual, which do not sort as their values do."""
_PLAIN: Final = frozenset(_DIGITS)


def facts_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a JSON object."""
    facts: dict[str, Any] = {}
    for key, value in metadata.items():
        name = encode_key(key)
        if isinstance(value, dict):
            inner = facts_of(cast("dict[str, Any]", value))
            facts[name + OBJECT] = inner or {FILLER: NULL}
        elif isinstance(value, list):
            facts[name + ARRAY] = _elements(cast("list[Any]", value))
        else:
            facts[name + SCALAR] = token(value)
    return facts


def token(value: object) -> str:
    """Return the text that stands for a scalar; it sorts among its kind as the value does."""
    if isinstance(value, str):
        return TEXT + value
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    # What sort_key says of a number: its class, then bytes that sort as it does.
    digits = b2a_base64(sort_key(value)[1:], newline=False).translate(_IN_ORDER, b"=")
    return NUMBER + digits.decode().rstrip(_DIGITS[0])


def encode_key(key: str) -> str:
    """Return `key` in letters that mean nothing in an expression; distinct for distinct keys."""
    if key.isascii() and key.replace("_", "").replace("-", "").isalnum():
        return key
    return "".join(
        character if character in _PLAIN or character > "\x7f" else f".{ord(character):02x}"
        for character in key
    )


def _elements(values: Iterable[Any]) -> list[str]:
    """Return what a test on an array may ask for: each scalar once, no arrays and objects."""
    scalars = (token(value) for value in values if not isinstance(value, list | dict))
    return [FILLER, *dict.fromkeys(scalars)]
