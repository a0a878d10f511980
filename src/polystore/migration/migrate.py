"""Writes what a source has, and proves that it arrived."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore.errors import ConfigError, SchemaMismatch
from polystore.migration.rows import count, digest, read_back, write
from polystore.migration.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from polystore.client import Polystore, Stores
    from polystore.sources import Shape, Source, SourcePart

_BATCH = 500
_MODULUS = 2**256


@dataclass(frozen=True, slots=True)
class PartReport:
    """How a part ended.

    Attributes:
        name: The part's.
        store: The store that took it.
        workspace: The tenant.
        rows: How many the source has.
        found: How many of them the store has.
        source_checksum: Over the rows of the source, in any order.
        target_checksum: Over the rows of the same ids in the store.
        different: The first few ids that are missing or differ.
    """

    name: str
    store: str
    workspace: str
    rows: int
    found: int
    source_checksum: str
    target_checksum: str
    different: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both sides have the same."""
        return self.rows == self.found and self.source_checksum == self.target_checksum


class Migration:
    """One run, or the rest of an interrupted one.

    Args:
        source: Open.
        client: Open, with the source's stores.
        state: The file that notes how far the run is.
        merge: Whether the stores may have rows already.
        progress: Told a part and how many of its rows are done, after each batch.
        batch: Rows per batch.
    """

    def __init__(
        self,
        source: Source,
        client: Polystore,
        state: Path,
        *,
        merge: bool = False,
        progress: Callable[[SourcePart, int], None] | None = None,
        batch: int = _BATCH,
    ) -> None:
        self._source = source
        self._client = client
        self._file = state
        self._merge = merge
        self._progress = progress
        self._batch = batch

    async def run(self) -> list[PartReport]:
        """Write and compare every part; forget the state if all are equal.

        Raises:
            ConfigError: The stores have rows already, or the state is another run's.
        """
        state = await self._begin()
        for part in self._source.parts():
            if part.name not in state.done:
                await self._write(part, state)
        reports = [await self._compare(part) for part in self._source.parts()]
        if not self._merge:
            await self._refuse_more()
        if all(report.equal for report in reports):
            state.forget()
        return reports

    async def _begin(self) -> State:
        self._check_dimensions()
        fingerprint, target = self._source.fingerprint(), self._target()
        state = State.load(self._file, fingerprint, target)
        if state is not None:
            return state
        if not self._merge:
            await self._refuse_filled()
        state = State(self._file, fingerprint, target)
        state.save()
        return state

    def _check_dimensions(self) -> None:
        for part in self._source.parts():
            if part.dimensions is None:
                continue
            declared = self._view(part.workspace).vector(part.store).spec.dimensions
            if declared != part.dimensions:
                raise SchemaMismatch(
                    f"{part.name} has vectors of {part.dimensions} dimensions, and {declared} "
                    "are declared",
                    store=part.store,
                    hint="Declare the store for the embedding that the source was filled with",
                )

    def _target(self) -> str:
        runtime = self._client.runtime
        stores = sorted({part.store for part in self._source.parts()})
        places = [
            f"{name}@{runtime.backend_for(runtime.declared[name].spec).name}" for name in stores
        ]
        return ", ".join(places)

    async def _write(self, part: SourcePart, state: State) -> None:
        stores = self._stores(part)
        position = state.positions.get(part.name)
        done = 0
        async with AsyncExitStack() as stack:
            if part.shape == "vector":
                await stack.enter_async_context(stores.vector(part.store).bulk())
            async for batch in self._source.read(part, position, self._batch):
                await write(stores, part, batch.rows)
                state.positions[part.name] = batch.position
                state.save()
                done += len(batch.rows)
                if self._progress is not None:
                    self._progress(part, done)
        state.done.append(part.name)
        state.save()

    async def _compare(self, part: SourcePart) -> PartReport:
        stores = self._stores(part)
        rows = found = ours = theirs = 0
        different: list[str] = []
        async for batch in self._source.read(part, None, self._batch):
            stored = await read_back(stores, part, batch.rows)
            for row, there in zip(batch.rows, stored, strict=True):
                wanted = digest(row)
                got = None if there is None else digest(there)
                rows += 1
                found += got is not None
                theirs += wanted
                ours += got or 0
                if got != wanted and len(different) < 5:  # noqa: PLR2004  enough to look at
                    different.append(str(getattr(row, "key", None) or getattr(row, "id", "?")))
        return PartReport(
            part.name,
            part.store,
            self._workspace(part),
            rows,
            found,
            f"{theirs % _MODULUS:064x}",
            f"{ours % _MODULUS:064x}",
            tuple(different),
        )

    async def _refuse_filled(self) -> None:
        for (workspace, store, shape), _ in self._totals():
            if await count(self._view(workspace), store, shape):
                raise ConfigError(
                    "it has rows already",
                    store=store,
                    hint="Migrate into another workspace, or say --merge to add to what is there; "
                    "rows of the same id are replaced",
                )

    async def _refuse_more(self) -> None:
        for (workspace, store, shape), rows in self._totals():
            there = await count(self._view(workspace), store, shape)
            if there != rows:
                raise ConfigError(
                    f"it has {there} rows, and the source has {rows}",
                    store=store,
                    hint="Somebody else wrote to it meanwhile; compare again with --merge",
                )

    def _totals(self) -> Iterable[tuple[tuple[str | None, str, Shape], int]]:
        totals: dict[tuple[str | None, str, Shape], int] = {}
        for part in self._source.parts():
            key = part.workspace, part.store, part.shape
            totals[key] = totals.get(key, 0) + part.rows
        return totals.items()

    def _stores(self, part: SourcePart) -> Stores:
        return self._view(part.workspace)

    def _view(self, workspace: str | None) -> Stores:
        return self._client if workspace is None else self._client.workspace(workspace)

    def _workspace(self, part: SourcePart) -> str:
        return part.workspace or self._client.runtime.config.workspace or ""
