"""Numbers that callers give: how many, how long; and the checks they pass before any I/O."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, cast

from polystore.errors import InvalidRecord

if TYPE_CHECKING:
    from polystore.errors import PolystoreError

MAX_COUNT: Final = 2**53
"""No limit, version or depth is larger; every engine takes integers up to here, and one more."""


def check_count(
    value: object,
    what: str,
    *,
    at_least: int = 1,
    error: type[PolystoreError] = InvalidRecord,
) -> int:
    """Return `value` as an int, which must be one (also of numpy), and no bool.

    Args:
        value: What was given.
        what: How errors name it.
        at_least: The smallest that means something.
        error: What to raise.

    Raises:
        PolystoreError: It is no integer, too small or too large, as `error` says.
    """
    try:
        count = None if isinstance(value, bool) else operator.index(cast("Any", value))
    except TypeError:
        count = None
    if count is None:
        raise error(f"{what} must be an integer, not {value!r}")
    if not at_least <= count <= MAX_COUNT:
        raise error(f"{what} must be at least {at_least} (and at most 2**53), not {count}")
    return count


def check_timeout(value: object) -> float:
    """Return `value`, a number of seconds above zero; infinity means no deadline.

    Raises:
        InvalidRecord: It is something else.
    """
    seconds = cast("float", value)
    if isinstance(value, bool) or not isinstance(value, Real) or not seconds > 0:
        raise InvalidRecord(f"a timeout must be a positive number of seconds, not {value!r}")
    return float(seconds) if seconds < MAX_COUNT else math.inf
