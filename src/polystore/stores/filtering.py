"""What every handle does with a filter before a driver sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from polystore.errors import InvalidFilter, UnsupportedError
from polystore.filters import Filter, is_trivial, operators, parse_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.capabilities import Capabilities

FilterLike: TypeAlias = "Filter | Mapping[str, Any]"
"""A filter made with `F`, or its dict form."""


def checked_filter(
    given: FilterLike | None, capabilities: Capabilities, *, backend: str, store: str
) -> Filter | None:
    """Return the filter to hand to a driver; None if everything matches.

    Raises:
        InvalidFilter: It means nothing.
        UnsupportedError: The backend cannot evaluate one of its operators.
    """
    if given is None:
        return None
    filter_ = parse_filter(given)
    unsupported = operators(filter_) - capabilities.filters
    if unsupported:
        raise UnsupportedError(
            f"the filter uses {', '.join(sorted(unsupported))}, which this backend cannot evaluate",
            backend=backend,
            store=store,
            hint="Rewrite the filter, or put this store on another backend",
        )
    return None if is_trivial(filter_) else filter_


def refuse_empty(filter_: Filter | None, *, backend: str, store: str) -> Filter:
    """Return `filter_`, which must restrict something: an empty filter never deletes.

    Raises:
        InvalidFilter: It matches everything.
    """
    if filter_ is None:
        raise InvalidFilter(
            "an empty filter never deletes",
            backend=backend,
            store=store,
            hint="Use clear() to delete everything of this workspace",
        )
    return filter_
