"""What accompanies every call across the seam: whose data, in which unit, how fresh, how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Consistency: TypeAlias = Literal["eventual", "session", "strong"]
"""How fresh a read must be.

`session` (the default): a client and its derivatives read their own acknowledged writes.
`strong`: every acknowledged write of everybody. `eventual`: whatever is quickest.
"""


Isolation: TypeAlias = Literal["read committed", "repeatable read", "serializable"]
"""What a unit of work may see of others that run at the same time, as the SQL standard names it.

An engine may give more than is asked for, never less.
"""


@dataclass(frozen=True, slots=True)
class Call:
    """The context of one operation; the first argument of every driver hook.

    Attributes:
        workspace: The tenant. Every key, node and statistic belongs to exactly one.
        session: The backend's own object for a running unit of work, else None.
        consistency: How fresh reads must be.
        timeout: Seconds the whole operation may take, or None for the backend's default.
    """

    workspace: str
    session: object | None = None
    consistency: Consistency = "session"
    timeout: float | None = None
