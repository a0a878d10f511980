"""JSON text that jsonb takes exactly."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from polystore.types.json_domain import MAX_INTEGER, MIN_INTEGER

SHORTENED = re.compile(rb"e\+?1[5-8](?=[,\]}\s]|\Z)")
"""The end of a float from 1e15 to the end of 64 bits, or text that looks like one.

It begins with a letter and not with the digit before it, as digits are found in most texts.
"""


def exact_json(text: bytes) -> bytes:
    """Return the JSON `text`, with whole floats of 64 bits written as the integers that they are.

    A float's shortest text names it among floats only: 2.0**60 is written 1.152921504606847e18.
    jsonb takes the digits at their word, and would neither give that float back nor find it
    equal to 2**60.
    """
    if SHORTENED.search(text) is None:
        return text
    return orjson.dumps(_whole(orjson.loads(text)))


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and MIN_INTEGER <= value <= MAX_INTEGER else value
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in cast("dict[str, Any]", value).items()}
    return value
