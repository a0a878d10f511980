"""The one domain of values that every engine stores exactly, and its JSON text.

JSON with unknown fields kept; integers signed 64-bit; floats finite, -0.0 becomes 0.0; strings
Unicode without NUL and lone surrogates; key order not kept; a datetime is written as fixed-width
UTC text, an enum's member as its value, a UUID as its text; at most `MAX_DEPTH` levels deep.

`check_json` is the definition, a full walk. `encode_json` is fast because `orjson` refuses most
of what lies outside, and the few things that it would let through leave a mark in the text: what
is read back from it is not what was given. Whatever `orjson` refuses or marks goes through
`check_json`, so both always agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from uuid import UUID

import orjson

from polystore.errors import DataCorruption, InvalidRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

JSONValue: TypeAlias = (
    bool | int | float | str | datetime | list["JSONValue"] | dict[str, "JSONValue"] | None
)
"""A storable value. `datetime` goes in (timezone-aware) and comes back as sortable text."""

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**63 - 1
DOMAIN_TYPES = (type(None), bool, int, float, str, datetime)
"""Types of the values that are not containers."""
MAX_DEPTH = 254
"""How many arrays and objects may lie inside one another; `orjson` writes no more."""

_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_SHORT_INTEGERS = _OPTIONS | orjson.OPT_STRICT_INTEGER
"""Refuses integers past 53 bits, so that nothing it writes has to be searched for longer ones."""
# To search for the beginning of a number of 19 digits as for fixed text: several times quicker than
# by an expression. Numbers stand at the start or after one of these, which digits in strings do
# seldom: identifiers and digests have many.
_NUMBERS_TO_ZERO = bytes.maketrans(b"123456789,[- \t\r\n", b"0" * 9 + b":" * 7)
_LONG_DIGITS = b"0" * 19
_LONG_NUMBER = b":" + _LONG_DIGITS
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DOMAIN_HINT = "Use None, bool, int, float, str, datetime, list and dict with string keys"
_ROWS_AT_ONCE = 1000
_SHOWN_STEPS = 4
_SHOWN_CHARACTERS = 60


def format_datetime(value: datetime) -> str:
    """Return `value` as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, which sorts as text in time order.

    Raises:
        InvalidRecord: `value` has no time zone, or lies outside the years 1 to 9999 in UTC.
    """
    if value.utcoffset() is None:
        raise InvalidRecord(
            f"the datetime {value} has no time zone",
            hint="Give it one, e.g. datetime.now(UTC)",
        )
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise InvalidRecord(
            f"the datetime {value} lies outside the years 1 to 9999 in UTC",
            hint="Use datetime.min or datetime.max with tzinfo=UTC for an extreme",
        ) from None
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_datetime(text: str) -> datetime:
    """Return the UTC datetime that an RFC 3339 text with an offset means.

    The text of `format_datetime` is one of them. Fractions go down to microseconds.

    Raises:
        InvalidRecord: It is no such text, or lies outside the years 1 to 9999 in UTC.
    """
    try:
        if _RFC3339.fullmatch(text) is not None:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a field out of range, such as month 13: the same error as for any other text
    raise InvalidRecord(
        f"{shorten(text)} is not an RFC 3339 date and time",
        hint="Write it as 2024-05-01T12:30:00Z, with an offset and at most 6 decimals",
    )


def _datetime_only(value: object) -> str:
    if isinstance(value, datetime):
        return format_datetime(value)
    raise TypeError  # encode_json hands the whole value to check_json


def encode_json(value: object, *, what: str = "value") -> bytes:
    """Return the JSON text (UTF-8) of `value`, which must lie in the domain.

    Args:
        value: What to encode.
        what: How errors name it.

    Raises:
        InvalidRecord: It lies outside the domain; the message names the place.
    """
    try:
        text = orjson.dumps(value, _datetime_only, _OPTIONS)
    except TypeError:  # orjson's error for everything that it does not write
        text = None
    # 19 digits may pass 2**63.
    if text is None or _is_marked(text) or _has_long_number(text) or _has_nan(text, value):
        return orjson.dumps(check_json(value, what=what))
    return text


def encode_each(values: Iterable[object], what: Callable[[int], str]) -> list[bytes]:
    """Return the JSON text of each of `values`, as `encode_json`, in a fraction of the time.

    Args:
        values: What to encode; of an iterator each is done with when the next one is asked for.
        what: Says how errors name the value of a row.

    Raises:
        InvalidRecord: One lies outside the domain; the message names the place.
    """
    if not isinstance(values, Collection):
        return _encode_in_turn(values, what)
    rows = list(values)
    texts: list[bytes] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        texts += _encode_together(rows[start : start + _ROWS_AT_ONCE], what, start)
    return texts


def _encode_together(
    values: Sequence[object], what: Callable[[int], str], start: int
) -> list[bytes]:
    """Return the JSON texts of rows from `start` on."""
    try:
        texts = [orjson.dumps(value, _datetime_only, _SHORT_INTEGERS) for value in values]
    except TypeError:
        return _encode_in_turn(values, what, start)
    # Each search costs more to begin than to go through a row: so through many rows at once.
    together = b"\n".join(texts)
    if b"null" in together or _is_marked(together):
        for row, text in enumerate(texts):
            if _is_marked(text) or _has_nan(text, values[row]):
                texts[row] = encode_json(values[row], what=what(start + row))
    return texts


def _encode_in_turn(
    values: Iterable[object], what: Callable[[int], str], start: int = 0
) -> list[bytes]:
    """Return the JSON texts of rows from `start` on, none of which is kept."""
    texts: list[bytes] = []
    dumps, loads = orjson.dumps, orjson.loads
    for row, value in enumerate(values, start):
        try:
            text = dumps(value, _datetime_only, _SHORT_INTEGERS)
        except TypeError:
            text = None
        if text is None or (b"null" in text and _has_nan(text, value)):
            text = encode_json(value, what=what(row))
        texts.append(text)
    if _is_marked(b"\n".join(texts)):
        for row, text in enumerate(texts):
            if _is_marked(text):
                texts[row] = dumps(check_json(loads(text), what=what(start + row)))
    return texts


def _has_nan(text: bytes, value: object) -> bool:
    """Whether a `null` in the text of `value` may stand for a NaN or an infinity."""
    try:
        return b"null" in text and orjson.loads(text) != value
    except RecursionError:
        return True


def _is_marked(text: bytes) -> bool:
    """Whether `text` may hold a NUL, or a zero that must lose its sign."""
    # One character is looked for several times quicker than two.
    return (b"\\" in text and b"\\u0000" in text) or (b"-" in text and b"-0.0" in text)


def _has_long_number(text: bytes) -> bool:
    """Whether `text`, or one of several JSON texts in it, has a number of 19 digits or more."""
    # Most texts have nothing alike, not even in a string.
    return _has_long_digits(text) and _has_long_digits(_STRING.sub(b"", text))


def _has_long_digits(text: bytes) -> bool:
    alike = text.translate(_NUMBERS_TO_ZERO)
    return _LONG_NUMBER in alike or alike.startswith(_LONG_DIGITS)


def decode_json(text: bytes | memoryview | str) -> Any:
    """Return the value of a JSON text that `encode_json` wrote, and an engine kept as it was.

    Raises:
        DataCorruption: The text is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DataCorruption(
            f"the engine returned text that is not JSON: {error}", hint="Run `polystore doctor`"
        ) from error


def decode_rewritten_json(text: bytes) -> Any:
    """Return the value of a JSON text that an engine wrote, which keeps values and not our text.

    A whole float past 2**63 that it writes with digits only comes back as a float, so that
    whatever was read can be written again.

    Raises:
        DataCorruption: The text is not JSON.
    """
    value = decode_json(text)
    return _fold_long_integers(value) if _has_long_number(text) else value


def _fold_long_integers(root: Any) -> Any:
    """Replace integers past 64 bits by floats, in place: the tree was parsed just now."""
    top = [root]
    unseen: list[Any] = [top]
    while unseen:
        node = unseen.pop()
        for key, item in _entries(node):
            if isinstance(item, list | dict):
                unseen.append(item)
            elif type(item) is int and not MIN_INTEGER <= item <= MAX_INTEGER:
                node[key] = float(item)
    return top[0]


def _entries(node: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(node, dict):
        return cast("dict[str, Any]", node).items()
    return enumerate(cast("list[Any]", node))


def check_text(text: object, *, what: str) -> str:
    """Return `text`, which must be Unicode text without NUL and lone surrogates.

    Raises:
        InvalidRecord: It is not.
    """
    if not isinstance(text, str):
        raise InvalidRecord(f"{what} must be text, not {type(text).__name__}")
    if "\x00" in text:
        raise InvalidRecord(f"{what} contains a NUL character", hint="Remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRecord(
            f"{what} contains a lone surrogate", hint="Decode the text with errors='replace'"
        ) from None
    return text


def check_json(value: Any, *, what: str = "value") -> Any:
    """Return `value` in its canonical form (datetimes as text, no -0.0), fully walked.

    Raises:
        InvalidRecord: It lies outside the domain; the message names the place.
    """
    trail: list[int | str] = []
    try:
        return _walk(value, trail, what)
    except RecursionError:
        raise InvalidRecord(
            f"{what} is nested too deeply for the stack of this call",
            hint="Nest it less, or call from a shallower stack",
        ) from None


def _walk(value: Any, trail: list[int | str], what: str) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, Enum):
        return _walk(value.value, trail, what)
    if isinstance(value, str):
        try:
            return check_text(str.__str__(value), what=what)
        except InvalidRecord as error:
            raise _refuse(trail, what, error.message.removeprefix(what), error.hint) from None
    if isinstance(value, int | float):
        return _walk_number(value, trail, what)
    if isinstance(value, list | tuple | dict):
        return _walk_container(cast("Any", value), trail, what)
    return _walk_other(value, trail, what)


def _walk_number(value: float, trail: list[int | str], what: str) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refuse(trail, what, f" is {float(value)}, which JSON cannot hold")
        return float(value) + 0.0  # -0.0 becomes 0.0
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise _refuse(
            trail, what, " is an integer outside signed 64 bits", "Store it as text or as a float"
        )
    return int(value)


def _walk_container(value: Any, trail: list[int | str], what: str) -> Any:
    if len(trail) >= MAX_DEPTH:
        raise _refuse(
            trail,
            what,
            f" is nested more than {MAX_DEPTH} levels deep",
            "Flatten it; a value must not contain itself",
        )
    if isinstance(value, dict):
        return _walk_object(cast("dict[Any, Any]", value), trail, what)
    result: list[Any] = []
    for index, item in enumerate(value):
        trail.append(index)
        result.append(_walk(item, trail, what))
        trail.pop()
    return result


def _walk_object(value: dict[Any, Any], trail: list[int | str], what: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _refuse(
                trail, what, f" has a key of type {type(key).__name__}", "Keys must be strings"
            )
        try:
            name = check_text(str.__str__(key), what="a key")
        except InvalidRecord as error:
            raise _refuse(trail, what, f": {error.message}", error.hint) from None
        trail.append(name)
        result[name] = _walk(item, trail, what)
        trail.pop()
    return result


def _walk_other(value: Any, trail: list[int | str], what: str) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        try:
            return format_datetime(value)
        except InvalidRecord as error:
            raise _refuse(trail, what, f": {error.message}", error.hint) from None
    raise _refuse(trail, what, f" is a {type(value).__name__}, which is not JSON", _DOMAIN_HINT)


def _refuse(
    trail: list[int | str], what: str, problem: str, hint: str | None = None
) -> InvalidRecord:
    """Build the error, with a place that stays short however deep and long the names are."""
    steps = [f"[{shorten(step) if isinstance(step, str) else step}]" for step in trail]
    if len(steps) > 2 * _SHOWN_STEPS:
        steps = [*steps[:_SHOWN_STEPS], "...", *steps[-_SHOWN_STEPS:]]
    return InvalidRecord(f"{what}{''.join(steps)}{problem}", hint=hint)


def shorten(text: str) -> str:
    """Return `text` in quotes for an error message, cut where it is long."""
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 3] + "..."
    return repr(text)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with `patch` merged in, as RFC 7396 defines it; inputs are not changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(cast("dict[str, Any]", target)) if isinstance(target, dict) else {}
    for key, item in cast("dict[str, Any]", patch).items():
        if item is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), item)
    return merged
