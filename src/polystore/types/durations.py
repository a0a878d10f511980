"""Durations as people write them: `30s`, `1.5h`, `PT5M`, a number of seconds, a timedelta."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from polystore.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PLAIN = re.compile(rf"({_NUMBER})\s*(ms|s|m|h|d|w)?", re.ASCII)
_ISO_PART = "(?:(" + _NUMBER + "){unit})?"
_ISO = re.compile(
    "P" + "".join(_ISO_PART.replace("{unit}", unit) for unit in "WD")
    + "(?:T" + "".join(_ISO_PART.replace("{unit}", unit) for unit in "HMS") + ")?",
    re.ASCII,
)  # fmt: skip
_ISO_SECONDS = (604800.0, 86400.0, 3600.0, 60.0, 1.0)


def parse_duration(value: object) -> float:
    """Return `value` in seconds; never negative, always finite.

    Args:
        value: A number of seconds, a timedelta, text with a unit (ms, s, m, h, d, w; without
            one: seconds), or ISO 8601 such as `PT1H30M` (no years and months: their length
            varies).

    Raises:
        ConfigError: It is none of these.
    """
    seconds = _seconds(value)
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        raise ConfigError(
            f"{value!r} is not a duration",
            hint="Write a number and a unit (ms, s, m, h, d, w), such as 30s, or ISO: PT30S",
        )
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def _from_text(text: str) -> float | None:
    if plain := _PLAIN.fullmatch(text):
        return float(plain[1]) * _UNITS[plain[2] or "s"]
    iso = _ISO.fullmatch(text)
    if iso is None or not any(iso.groups()) or text.endswith("T"):
        return None
    return sum(
        float(number) * unit
        for number, unit in zip(iso.groups(), _ISO_SECONDS, strict=True)
        if number is not None
    )
