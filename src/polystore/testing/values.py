"""Strings and values chosen to break engines: quoting, folding, trimming, rounding, escaping."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

ODD_TEXTS: Final[tuple[str, ...]] = (
    # quoting and escaping
    "'",
    '"',
    "''",
    "`",
    "\\",
    "\\\\",
    "\\'",
    "\\x00",
    "\\u0041",
    "a\tb",
    "a\nb",
    "\r\n",
    # wildcards and placeholders
    "%",
    "_",
    "a%b",
    "a_b",
    "a\\%b",
    "*",
    "?",
    "[a]",
    "%s",
    "%(x)s",
    ":",
    ":name",
    "$",
    "$1",
    "$name",
    "{}",
    "{0}",
    "${HOME}",
    "{a}b",
    # fragments of query languages
    "'; DROP TABLE kit; --",
    "' OR '1'='1",
    "a'||'b",
    "/* a */",
    "--",
    "id in ['a']",
    "}) DETACH DELETE n //",
    "@field:{tag}",
    # what other layers take for something else
    "null",
    "true",
    "0",
    "-1",
    "1e5",
    "NaN",
    "[]",
    "a.b",
    "a..b",
    ".",
    "$set",
    "$.a",
    "__proto__",
    "meta:id",
    "id",
    "../../a",
    "a/b",
    "a|b",
    "a,b",
    "a=b&c=d",
    # space that must not be trimmed
    " ",
    " a",
    "a ",
    "\t",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    # letters that fold or normalise into one another
    "é",
    "e\u0301",
    "É",
    "ß",
    "ss",
    "İ",
    "i\u0307",
    "\u0131",
    "ﬁ",
    "\uff41",
    "Å",
    "\u212b",
    "ς",
    "\u03c3",
    # far away scripts, right to left, beyond the basic plane, control characters
    "日本語",
    "한국어",
    "שלום",
    "مرحبا",
    "a\u202eb",
    "😀",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
    "\x01",
    "\x1f",
    "\x7f",
    "\x85",
    "\u2028",
)
"""Texts that each catch a different mistake. Every one is storable everywhere a text can go."""

LONG_KEYS: Final[tuple[str, ...]] = (
    "k" * 511 + "a",
    "k" * 511 + "b",
    "é" * 256,
    "😀" * 128,
    "日" * 170 + "ab",
    "%" * 512,
    "'" * 512,
    '"' * 512,
    "\\" * 512,
    " " * 512,
)
"""Keys of exactly 512 bytes of UTF-8."""

TOO_LONG_KEYS: Final[tuple[str, ...]] = ("k" * 513, "é" * 256 + "a", "😀" * 128 + "a")
"""Keys of 513 bytes of UTF-8, of which some have fewer characters."""

REFUSED_TEXTS: Final[tuple[str, ...]] = ("\x00", "a\x00b", "\ud800", "a\udfff", "\ud83d")
"""Texts outside the domain: NUL and lone surrogates."""

WORKSPACES: Final[tuple[str, ...]] = (
    "a-b",
    "a_b",
    "a/b",
    "a.b",
    "a:b",
    "a b",
    "A-B",
    "A_B",
    "a-b ",
    " a-b",
    "a--b",
    "a__b",
    "a",
    "b",
    "ab",
    "%",
    "_",
    "a%",
    "*",
    "'",
    '"',
    "\\",
    " ",
    "\t",
    "\u200b",
    "é",
    "e\u0301",
    "ß",
    "ss",
    "Å",
    "\u212b",
    "😀",
    "שלום",
    "default",
    "public",
    "null",
    "'; DROP SCHEMA public CASCADE; --",
    "w" * 255 + "a",
    "w" * 255 + "b",
    "é" * 128,
)
"""Workspaces that never meet, however an engine folds, trims, joins or shortens names."""

ALL_BYTES: Final = bytes(range(256))
BYTES_VALUES: Final[tuple[bytes, ...]] = (
    b"",
    b"\x00",
    ALL_BYTES,
    ALL_BYTES[::-1] * 17,
    b"null",
    b'{"a": 1}',
    b"\xff\xfe",
    b"\x80abc",
    "é😀".encode(),
)


def nested(depth: int) -> Any:
    """Return arrays and objects that lie `depth` deep inside one another."""
    value: Any = []
    for level in range(depth - 1):
        value = {"in": value} if level % 2 else [value]
    return value


INTEGERS: Final[tuple[int, ...]] = (
    0,
    1,
    -1,
    255,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**32,
    2**53 - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**62 + 1,
    2**63 - 2,
    2**63 - 1,
    -(2**63),
    -(2**63) + 1,
)
FLOATS: Final[tuple[float, ...]] = (
    0.0,
    1.0,
    -1.0,
    0.1,
    0.5,
    1 / 3,
    1e16,
    1e22,
    1e308,
    -1e308,
    sys.float_info.max,
    5e-324,
    2.2250738585072014e-308,
    1.0000000000000002,
    123456789.12345679,
    2.0**53,
    2.0**63,
    -(2.0**63),
    2.0**64,
)

JSON_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    *INTEGERS,
    *FLOATS,
    "",
    *ODD_TEXTS,
    "x" * 10_000,
    "é😀" * 2_000,
    [],
    {},
    [[]],
    [{}],
    {"": {"": ""}},
    [None, True, 1, 1.5, "a", [], {}],
    {"a": None, "b": False, "c": 0, "d": "", "e": [], "f": {}},
    {"a.b": 1, "a": {"b": 2}, "$set": 3, "": 4, "é": 5, "e\u0301": 6, '"': 7, "\\": 8, "%": 9},
    {text: text for text in ODD_TEXTS},
    list(range(1000)),
    nested(60),
)
"""Values that come back as they went in."""

CONVERTED: Final[tuple[tuple[Any, Any], ...]] = (
    (-0.0, 0.0),
    ((1, (2, "a")), [1, [2, "a"]]),
    (datetime(2024, 5, 1, 12, 30, tzinfo=UTC), "2024-05-01T12:30:00.000000Z"),
    (
        datetime(2024, 5, 1, 12, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "2024-05-01T07:00:00.000001Z",
    ),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
)
"""What goes in, and the form in which it comes back."""

REFUSED_VALUES: Final[tuple[Any, ...]] = (
    math.nan,
    math.inf,
    -math.inf,
    2**63,
    -(2**63) - 1,
    10**30,
    *REFUSED_TEXTS,
    # A datetime without a time zone is what this entry is about.
    datetime(2024, 5, 1),  # noqa: DTZ001 - see the line above
    Decimal("1.5"),
    {1, 2},
    object(),
    1j,
    nested(300),
)
"""Values outside the domain; also refused inside arrays and objects (`refused_documents`)."""

REFUSED_KEYS: Final[tuple[Any, ...]] = (1, None, (1, 2), True, 1.5, b"a", *REFUSED_TEXTS)
"""What cannot be the key of an object."""


def refused_objects() -> list[dict[Any, Any]]:
    """Return objects that lie outside the domain, somewhere inside."""
    objects: list[dict[Any, Any]] = [{"ok": 1, "bad": value} for value in REFUSED_VALUES]
    objects += [{"ok": [{"deep": [value]}]} for value in REFUSED_VALUES]
    objects += [{"ok": {key: 1}} for key in REFUSED_KEYS]
    objects += [{"bad": b"bytes"}, {"bad": [bytearray(b"bytes")]}]
    return objects
