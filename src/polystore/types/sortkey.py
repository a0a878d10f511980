"""One order over all JSON values, the same on every engine, as bytes that sort that way.

Missing, null, false, true, numbers, strings, then arrays and objects (which all tie). Engines
store and index the key; cursors carry it. The first byte is the class of the value:

- number: the largest double that is not above it, as 8 bytes that sort like the number, then how
  far the integer lies above that double, as 2 bytes (a double cannot tell integers past 2**53
  apart, and the steps between doubles below 2**63 are at most 1024).
- string: up to `MAX_STRING_BYTES` bytes of UTF-8, which sorts by code point, and a zero byte; a
  longer one is cut and ends in a one byte, so that strings alike so far tie (by id, elsewhere).
"""

from __future__ import annotations

import codecs
import math
import struct
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import InvalidRecord
from polystore.types.json_domain import MAX_INTEGER, MIN_INTEGER, check_json, check_text

if TYPE_CHECKING:
    from collections.abc import Callable


class Missing(Enum):
    """The type of `MISSING`, which stands for a field that a document does not have."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

CLASS_MISSING: Final = b"\x00"
CLASS_NULL: Final = b"\x01"
CLASS_FALSE: Final = b"\x02"
CLASS_TRUE: Final = b"\x03"
CLASS_NUMBER: Final = b"\x04"
CLASS_STRING: Final = b"\x05"
CLASS_CONTAINER: Final = b"\x06"

MAX_STRING_BYTES: Final = 500
"""How many bytes of a string take part in the order."""

_WHOLE: Final = b"\x00"
_CUT: Final = b"\x01"

_DOUBLE = struct.Struct(">d")
_BITS = struct.Struct(">Q")
_NUMBER_KEY = struct.Struct(">BQH")
_NUMBER_TAG: Final = CLASS_NUMBER[0]
_SIGN: Final = 1 << 63
_ALL: Final = (1 << 64) - 1
_EXACT: Final = 2**53
"""Integers up to here, either side of zero, are doubles."""

_CONSTANTS: Final[dict[bytes, Any]] = {
    CLASS_MISSING: MISSING,
    CLASS_NULL: None,
    CLASS_FALSE: False,
    CLASS_TRUE: True,
}


def sort_key(value: object) -> bytes:
    """Return the bytes that sort as `value` does among all values.

    Args:
        value: A value of the JSON domain, or `MISSING`. Equal values have equal keys: 1 and 1.0,
            0.0 and -0.0, a datetime and its text.

    Raises:
        InvalidRecord: It lies outside the domain.
    """
    to_key = _BY_TYPE.get(type(value))
    return _other_key(value) if to_key is None else to_key(value)


def _float_key(value: float) -> bytes:
    if not math.isfinite(value):
        raise InvalidRecord(f"{value} is no number to sort by", hint="Use a finite one, or None")
    return _number_key(value, 0)


def _int_key(value: int) -> bytes:
    if -_EXACT <= value <= _EXACT:
        return _number_key(float(value), 0)
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise InvalidRecord("an integer to sort by lies outside signed 64 bits")
    below = float(value)
    if int(below) > value:
        below = math.nextafter(below, -math.inf)
    return _number_key(below, value - int(below))


def _number_key(double: float, remainder: int) -> bytes:
    # Adding 0.0 makes 0.0 of -0.0. As an integer a positive double sorts already and only has to
    # come after the negative ones, whose order is turned round by inverting every bit.
    bits: int = _BITS.unpack(_DOUBLE.pack(double + 0.0))[0]
    return _NUMBER_KEY.pack(_NUMBER_TAG, bits ^ (_ALL if bits & _SIGN else _SIGN), remainder)


def _string_key(value: str) -> bytes:
    try:
        text = value.encode()
    except UnicodeEncodeError:
        text = check_text(value, what="a string to sort by").encode()
    if b"\x00" in text:
        check_text(value, what="a string to sort by")
    if len(text) <= MAX_STRING_BYTES:
        return CLASS_STRING + text + _WHOLE
    return CLASS_STRING + text[:MAX_STRING_BYTES] + _CUT


def _other_key(value: object) -> bytes:
    """Return the key of what is not exactly of a JSON type: a datetime, a subclass, a tuple."""
    if isinstance(value, list | tuple | dict):
        return CLASS_CONTAINER
    return sort_key(check_json(value, what="a value to sort by"))


_BY_TYPE: Final[dict[type, Callable[[Any], bytes]]] = {
    Missing: lambda _: CLASS_MISSING,
    type(None): lambda _: CLASS_NULL,
    bool: lambda value: CLASS_TRUE if value else CLASS_FALSE,
    int: _int_key,
    float: _float_key,
    str: _string_key,
    list: lambda _: CLASS_CONTAINER,
    dict: lambda _: CLASS_CONTAINER,
}


def is_truncated(key: bytes) -> bool:
    """Return whether `key` is of a string too long for it, so that equal keys may differ."""
    return key.startswith(CLASS_STRING) and key.endswith(_CUT)


def decode_sort_key(key: bytes) -> Any:
    """Return the value that `key` was made of.

    A number comes back as an int where it is whole and fits signed 64 bits. Of a truncated string
    (see `is_truncated`) the part that the key holds comes back, less a character cut in two.

    Raises:
        InvalidRecord: `sort_key` makes no such key, or it is that of an array or an object.
    """
    if key in _CONSTANTS:
        return _CONSTANTS[key]
    if key == CLASS_CONTAINER:
        raise InvalidRecord("the sort key of an array or an object does not hold its value")
    try:
        return _decode_number(key) if key.startswith(CLASS_NUMBER) else _decode_string(key)
    except (ValueError, struct.error):
        raise InvalidRecord(
            "the sort key is malformed", hint="Pass a cursor on exactly as it was returned"
        ) from None


def _decode_number(key: bytes) -> int | float:
    _, bits, remainder = _NUMBER_KEY.unpack(key)
    bits ^= _SIGN if bits & _SIGN else _ALL
    double: float = _DOUBLE.unpack(_BITS.pack(bits))[0]
    value: int | float = double
    if double.is_integer() and MIN_INTEGER <= double <= MAX_INTEGER:
        value = int(double) + remainder
    if not math.isfinite(double) or sort_key(value) != key:
        raise ValueError
    return value


def _decode_string(key: bytes) -> str:
    text, end = key[1:-1], key[-1:]
    whole = end == _WHOLE and len(text) <= MAX_STRING_BYTES
    cut = end == _CUT and len(text) == MAX_STRING_BYTES
    if key[:1] != CLASS_STRING or b"\x00" in text or not (whole or cut):
        raise ValueError
    # The last argument False lets a character that is cut at the end go.
    return codecs.utf_8_decode(text, "strict", whole)[0]


def next_prefix(prefix: bytes) -> bytes:
    """Return the smallest bytes greater than every string of bytes that starts with `prefix`.

    Raises:
        ValueError: There is none: `prefix` is empty or consists of 0xff only.
    """
    stem = prefix.rstrip(b"\xff")
    if not stem:
        raise ValueError("no bytes lie above every string with this prefix")
    return stem[:-1] + bytes((stem[-1] + 1,))


def class_range(key: bytes) -> tuple[bytes, bytes]:
    """Return the bounds (from, below) of all keys of the class of `key`."""
    return key[:1], next_prefix(key[:1])


def number_range() -> tuple[bytes, bytes]:
    """Return the bounds (from, below) of the keys of all numbers."""
    return class_range(CLASS_NUMBER)


def string_range(prefix: str = "") -> tuple[bytes, bytes]:
    """Return the bounds (from, below) of the keys of all strings that start with `prefix`.

    Exact up to `MAX_STRING_BYTES` bytes of UTF-8. For a longer prefix the bounds hold every
    string that starts with it, and others alike so far, to be sorted out by the text.
    """
    low = CLASS_STRING + prefix.encode()[:MAX_STRING_BYTES]
    return low, next_prefix(low)
