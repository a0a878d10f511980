"""How old the answers of a standby may be, known without comparing clocks.

The end of the primary's log is noted together with our own time. Once the standby has replayed up
to there, what it answers is no older than that moment. Only reads make it look again, so that an
idle client asks nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from polystore.errors import PolystoreError
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from polystore_postgres.pool import Pool

_log = logging.getLogger("polystore")
_SELDOM, _OFTEN = 1.0, 0.02
_LOOKS: Final = 8
"""Looks within the limit, so that a standby that keeps up is never taken for one that does not."""
_REMEMBERED: Final = 1000


class Freshness:
    """Says whether a standby is within the limit.

    Args:
        primary: Whose log counts.
        limit: Seconds that an answer may be old.
        timeout: Seconds that a look may take.

    Attributes:
        limit: The same.
        told: Whether the log was told that the standby is too far behind.
    """

    def __init__(self, primary: Pool, limit: float, timeout: float) -> None:
        self.limit = limit
        self._primary = primary
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._every = min(max(limit / _LOOKS, _OFTEN), _SELDOM)
        self._noted: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._as_of = float("-inf")
        self._next_look = 0.0
        self._looking: asyncio.Task[None] | None = None
        self.told = False

    @property
    def age(self) -> float:
        """Seconds that an answer is old at most, as far as is known; infinite before a look."""
        return self._loop.time() - self._as_of

    def holds(self, standby: Pool) -> bool:
        """Return whether `standby` may answer; looks again, aside, when it is time.

        No call waits for a look: until the first one has answered, it is the primary's.
        """
        if self._looking is None and self._loop.time() >= self._next_look:
            self._looking = self._loop.create_task(self._look(standby))
        return self.age <= self.limit

    def forget(self) -> None:
        """Take nothing for known, as the standby may be another one from now on."""
        self._as_of = float("-inf")
        self._next_look = 0.0

    async def close(self) -> None:
        """End a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def look(self, standby: Pool) -> None:
        """Ask both where they are.

        Raises:
            PolystoreError: One of them did not answer.
        """
        moment = self._loop.time()
        sql, limit = block("doctor.sql", "log_end"), self._timeout
        self._noted.append((moment, await self._primary.fetchval(sql, timeout=limit)))
        replayed: int = await standby.fetchval(sql, timeout=limit)
        while self._noted and self._noted[0][1] <= replayed:
            self._as_of = max(self._as_of, self._noted.popleft()[0])

    async def _look(self, standby: Pool) -> None:
        try:
            await self.look(standby)
        except PolystoreError as error:
            _log.info("backend %s: the lag is not known: %s", self._primary.backend, error)
        finally:
            self._looking = None
            self._next_look = self._loop.time() + self._every
        self._tell(late=self.age > self.limit)

    def _tell(self, *, late: bool) -> None:
        if late and not self.told:
            _log.warning(
                "backend %s: the replica is more than %g s behind, so reads go to the primary",
                self._primary.backend,
                self.limit,
            )
        elif self.told and not late:
            _log.info("backend %s reads from its replica again", self._primary.backend)
        self.told = late
