"""What a plain YAML scalar means, by the core schema of YAML 1.2 (section 10.3 of its text).

So `no`, `on`, `12:30:00`, `2026-01-01` and `0b1` are texts, `0o17` and `0x1f` are integers.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

TAG_PREFIX: Final = "tag:yaml.org,2002:"

_NULL = frozenset(("", "null", "Null", "NULL", "~"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_DECIMAL = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset((".nan", ".NaN", ".NAN"))
_INTEGERS = ((_DECIMAL, 10), (_OCTAL, 8), (_HEXADECIMAL, 16))
_LONGEST_INTEGER = 1000  # Python refuses to convert decimal texts past some thousand digits

_TAGS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}


def show_tag(tag: str) -> str:
    """Return `tag` as people write it."""
    return f"!!{tag.removeprefix(TAG_PREFIX)}" if tag.startswith(TAG_PREFIX) else tag


def plain_value(text: str) -> Scalar:
    """Return the value of a plain (unquoted) scalar.

    Raises:
        ValueError: It is an integer too long to be one.
    """
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return _number(text)


def _number(text: str) -> Scalar:
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            if len(text) > _LONGEST_INTEGER:
                raise ValueError(f"an integer of {len(text)} digits is too long")
            return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", "", 1))
    return float("nan") if text in _NAN else text


def tagged_value(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit tag, such as `!!str 12`.

    Raises:
        ValueError: The tag is not one of the core schema, or the text does not fit it.
    """
    if tag in ("!", f"{TAG_PREFIX}str"):
        return text
    short = tag.removeprefix(TAG_PREFIX)
    types = _TAGS.get(short) if tag.startswith(TAG_PREFIX) else None
    if types is None:
        raise ValueError(f"the tag {show_tag(tag)} is not allowed; remove it")
    value = plain_value(text)
    if type(value) not in types:
        raise ValueError(f"the text does not fit its tag !!{short}")
    return float(value) if short == "float" and isinstance(value, int) else value
