"""What all synchronous counterparts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from typing_extensions import override

if TYPE_CHECKING:
    from polystore.sync.portal import Portal

W = TypeVar("W")


class Wrapper(Generic[W]):
    """An object of the asynchronous client, and the way to the loop where it lives."""

    def __init__(self, portal: Portal, wrapped: W) -> None:
        self._portal = portal
        self._wrapped = wrapped

    @override
    def __repr__(self) -> str:
        return repr(self._wrapped)

    @property
    def portal(self) -> Portal:
        """Runs things in the client's loop; for a driver's own client, that of `raw`."""
        return self._portal
