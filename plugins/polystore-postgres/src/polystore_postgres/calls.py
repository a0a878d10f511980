"""What a call says about where its statements run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.errors import PolystoreError
from polystore_postgres.session import Session

if TYPE_CHECKING:
    from polystore.types.call import Call


def session_of(call: Call) -> Session | None:
    """Return the transaction that `call` belongs to; None outside a unit of work."""
    session = call.session
    if session is None or isinstance(session, Session):
        return session
    raise PolystoreError("this unit of work belongs to another backend")


def keeps_snapshot(call: Call) -> bool:
    """Return whether `call` does not see what others committed since its unit began."""
    session = session_of(call)
    return session is not None and session.keeps_snapshot
