"""One store to be measured: how much is put where, and who writes it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polystore.bench.records import chunks
from polystore.bench.timing import Place, Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.client import Polystore, Workspace
    from polystore.specs import StoreSpec

BATCH: Final = 10_000
"""Records of one call that writes."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a kind's operations need.

    Attributes:
        client: It declares the store.
        spec: The store.
        rows: Records in each workspace.
        workspaces: Their names.
        calls: Point reads and searches of each operation.
    """

    client: Polystore
    spec: StoreSpec
    rows: int
    workspaces: list[str]
    calls: int

    @property
    def tenant(self) -> Workspace:
        """The workspace that is read: one in the middle."""
        return self.client.workspace(self.workspaces[len(self.workspaces) // 2])

    def watch(self, operation: str, unit: str = "calls") -> Watch:
        """Return what takes the times of an operation."""
        backend = self.client.runtime.config.backend_of(self.spec)
        held = self.rows * len(self.workspaces)
        return Watch(Place(self.spec.kind, backend, held, len(self.workspaces)), operation, unit)

    def numbers(self, count: int, seed: int) -> list[int]:
        """Return which records to ask for."""
        rng = random.Random(seed)  # noqa: S311
        return [rng.randrange(self.rows) for _ in range(count)]

    async def write(
        self,
        watch: Watch,
        prepare: Callable[[Workspace, range], Callable[[], Awaitable[object]]],
        *,
        each: int = 1,
    ) -> None:
        """Fill every workspace, a batch at a time, and count the calls but not their preparation.

        Args:
            watch: Takes the times.
            prepare: Makes the records of these numbers, and returns the call that stores them.
            each: Records that are stored for one number.
        """
        for name in self.workspaces:
            tenant = self.client.workspace(name)
            for part in chunks(self.rows, BATCH):
                await watch.call(prepare(tenant, part)(), len(part) * each)
