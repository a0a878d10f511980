"""Keeps values out of messages that others wrote: validators of plugins' models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "***"
_SCHEME = re.compile(r"^\w[\w+.-]*://")
_PARAMETER = re.compile(r"\b\w+=")
_SEPARATOR = re.compile(r"""[\s:/?#@&=;,'"]+""")
_WHOLE_WORD_BELOW = 4


def redact(message: str, secrets: Iterable[str]) -> str:
    """Return `message` with every secret, and every part of one that is an address, masked.

    Parts too short to tell from ordinary words are masked only where they stand alone.
    """
    parts = {part for secret in secrets for part in _parts(secret)}
    for part in sorted(parts, key=len, reverse=True):
        message = _pattern(part).sub(MASK, message)
    return message


def _parts(secret: str) -> Iterator[str]:
    if not secret:
        return
    yield secret
    yield repr(secret)[1:-1]
    body = _PARAMETER.sub(" ", _SCHEME.sub("", secret))
    for part in _SEPARATOR.split(body):
        if part:
            yield part
            yield unquote(part)


def _pattern(part: str) -> re.Pattern[str]:
    escaped = re.escape(part)
    if len(part) < _WHOLE_WORD_BELOW:
        escaped = rf"(?<!\w){escaped}(?!\w)"
    return re.compile(escaped, re.IGNORECASE)
