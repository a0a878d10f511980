"""Filling a generation of a vector store from the one before it, while both are in use.

What is where is told by comparing versions, which a record keeps when it is carried over. So a
run that was cut off goes on where it was, several may run at the same time, and a run that finds
nothing to do has shown that both generations have the same.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from polystore.capabilities import Feature
from polystore.errors import ConfigError, InvalidRecord, SchemaMismatch
from polystore.schema.carrying import carry, embedded, mark, stamp_of
from polystore.schema.versions import Difference, Sides, differences, records_of, versions
from polystore.stores.columns import take
from polystore.stores.vector_input import build_batch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from polystore.schema.carrying import Embed
    from polystore.specdiff import StoredSpec
    from polystore.specs import VectorSpec
    from polystore.types.batches import VectorBatch
    from polystore.types.call import Call
    from polystore.types.records import VectorRecord

_MOST_EXAMPLES = 100


@dataclass(frozen=True, slots=True)
class LeftRecord:
    """A record that was not carried over, and why."""

    workspace: str
    id: str
    reason: str


@dataclass(slots=True)
class FillReport:
    """What a run of `fill` did.

    Attributes:
        store: The store.
        source: The generation that was read.
        target: The generation that was filled.
        compared: Records that were looked at.
        carried: Records that were written.
        deleted: Records that were deleted, as they are in `source`.
        changed: Records that somebody wrote meanwhile; the next run carries them.
        left: Records that cannot be carried over.
        examples: The first hundred of those.
    """

    store: str
    source: int
    target: int
    compared: int = 0
    carried: int = 0
    deleted: int = 0
    changed: int = 0
    left: int = 0
    examples: list[LeftRecord] = field(default_factory=list[LeftRecord])

    def leave(self, workspace: str, id_: str, reason: str) -> None:
        """Note a record that cannot be carried over."""
        self.left += 1
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(LeftRecord(workspace, id_, reason))


class Filler:
    """Carries records of all workspaces from one generation to the next.

    Args:
        sides: From where to where.
        embed: Makes the vectors from texts; None: they are copied.
        batch: Texts that `embed` gets at a time, at most.
        progress: Told after every part.
    """

    def __init__(
        self,
        sides: Sides,
        embed: Embed | None,
        *,
        batch: int,
        progress: Callable[[FillReport], object] | None,
    ) -> None:
        self._sides = sides
        self._embed = embed
        self._batch = batch
        self._progress = progress
        self._spec = cast("VectorSpec", sides.target.spec)
        self._report = FillReport(self._spec.name, sides.older.generation, sides.newer.generation)
        old = cast("VectorSpec", sides.source.spec)
        if embed is None and old.dimensions != self._spec.dimensions:
            raise ConfigError(
                f"vectors of {old.dimensions} dimensions cannot be copied to a generation of "
                f"{self._spec.dimensions}",
                store=self._spec.name,
                hint="Give a function that embeds the texts anew: --embed module:function",
            )

    async def run(self) -> FillReport:
        """Carry over everything that is not there yet."""
        sides = self._sides
        workspaces = await sides.opened.backend.workspaces()
        if workspaces and sides.marks is None:
            # Nobody searches it yet, so its index may as well be built at the end.
            driver = await sides.target.ready()
            async with driver.bulk(sides.call(workspaces[0])):
                await self._fill(workspaces)
        else:
            await self._fill(workspaces)
        return self._report

    async def _fill(self, workspaces: Sequence[str]) -> None:
        for workspace in workspaces:
            call = self._sides.call(workspace)
            async for part in differences(self._sides, workspace):
                await self._settle(call, part.differences)
                self._report.compared += part.rows
                if self._progress is not None:
                    self._progress(self._report)

    async def _settle(self, call: Call, found: Sequence[Difference]) -> None:
        for one in found:
            if one.action == "conflict":
                reason = "written in the old generation, and deleted in the new one"
                self._report.leave(call.workspace, one.id, reason)
        carried = [one for one in found if one.action == "carry"]
        for start in range(0, len(carried), self._batch):
            await self._carry(call, carried[start : start + self._batch])
        gone = [one for one in found if one.action == "delete"]
        if gone:
            await self._delete(call, gone)
        noted = [one for one in found if one.action == "note"]
        if noted:
            async with self._sides.opened.backend.schema_lock():
                await self._check_unchanged()
                await self._mark(call, noted)

    async def _carry(self, call: Call, found: Sequence[Difference]) -> None:
        sides = self._sides
        ids = [one.id for one in found]
        records = await records_of(sides.source, call, ids, with_vectors=self._embed is None)
        there = [
            (record, one) for record, one in zip(records, found, strict=True) if record is not None
        ]
        self._report.changed += len(found) - len(there)
        whole = [pair for pair in there if self._can_be_carried(call, pair[0])]
        if not whole:
            return
        vectors = await self._vectors([record for record, _ in whole])
        rows, batch = self._batch_of(call, [record for record, _ in whole], vectors)
        whole = [whole[row] for row in rows]
        # Nobody switches while a batch is written: what was read could not be told from what
        # was written to the new generation since.
        async with sides.opened.backend.schema_lock():
            await self._check_unchanged()
            now = await versions(sides.source, call, batch.ids)
            same = [i for i, (record, _) in enumerate(whole) if now[record.id] == record.version]
            self._report.changed += len(whole) - len(same)
            if same:
                pairs = [whole[i] for i in same]
                async with self._together(call) as inside:
                    stored = await self._write(inside, take(batch, same), pairs)
                self._report.carried += sum(stored)
                self._report.changed += len(stored) - sum(stored)

    def _can_be_carried(self, call: Call, record: VectorRecord) -> bool:
        if self._embed is not None and not record.text:
            self._report.leave(call.workspace, record.id, "it has no text to embed")
            return False
        return True

    async def _vectors(self, records: Sequence[VectorRecord]) -> Sequence[Any]:
        if self._embed is None:
            return [record.vector for record in records]
        texts = [cast("str", record.text) for record in records]
        return list(await embedded(self._embed, texts, self._spec))

    def _batch_of(
        self,
        call: Call,
        records: Sequence[VectorRecord],
        vectors: Sequence[Any],
    ) -> tuple[list[int], VectorBatch]:
        """Return the rows that the new declaration allows, and a batch of them."""
        rows = list(range(len(records)))
        try:
            return rows, self._built(records, vectors, rows)
        except InvalidRecord:
            rows = [row for row in rows if self._is_allowed(call, records, vectors, row)]
            return rows, self._built(records, vectors, rows)

    def _is_allowed(
        self,
        call: Call,
        records: Sequence[VectorRecord],
        vectors: Sequence[Any],
        row: int,
    ) -> bool:
        try:
            self._built(records, vectors, [row])
        except InvalidRecord as error:
            self._report.leave(call.workspace, records[row].id, error.message)
            return False
        return True

    def _built(
        self, records: Sequence[VectorRecord], vectors: Sequence[Any], rows: Sequence[int]
    ) -> VectorBatch:
        return build_batch(
            self._spec,
            [records[row].id for row in rows],
            [vectors[row] for row in rows],
            [records[row].text for row in rows],
            [records[row].metadata for row in rows],
        )

    async def _write(
        self, call: Call, batch: VectorBatch, pairs: Sequence[tuple[VectorRecord, Difference]]
    ) -> list[bool]:
        target = self._sides.target
        stamps = [stamp_of(record) for record, _ in pairs]
        seen = [one.target for _, one in pairs]
        stored = await carry(target, call, batch, stamps, seen)
        done = [
            one._replace(source=record.version)
            for there, (record, one) in zip(stored, pairs, strict=True)
            if there
        ]
        await self._mark(call, done)
        return stored

    async def _delete(self, call: Call, gone: Sequence[Difference]) -> None:
        sides = self._sides
        async with sides.opened.backend.schema_lock():
            await self._check_unchanged()
            now = await versions(sides.source, call, [one.id for one in gone])
            still = [one for one in gone if not now[one.id]]
            self._report.changed += len(gone) - len(still)
            if not still:
                return
            ids, seen = [one.id for one in still], [one.target for one in still]
            async with self._together(call) as inside:
                deleted = await sides.target.run(
                    "delete", inside, lambda d: d.delete_seen(inside, ids, seen), rows=len(ids)
                )
                await self._mark(inside, still)
            self._report.deleted += deleted
            self._report.changed += len(still) - deleted

    @asynccontextmanager
    async def _together(self, call: Call) -> AsyncGenerator[Call]:
        """Yield the call in which records are written and marked: both or neither, if it can be.

        Where it cannot, the next run finds those that are equal and not marked, and marks them.
        """
        sides = self._sides
        live = (await sides.target.ready()).capabilities
        if sides.marks is None or Feature.TRANSACTION not in live.features:
            yield call
            return
        async with sides.opened.backend.transaction() as session:
            yield replace(call, session=session)

    async def _mark(self, call: Call, done: Sequence[Difference]) -> None:
        """Note at which versions both sides were equal, once the new one serves."""
        marks = self._sides.marks
        if marks is None:
            return
        there = [one for one in done if one.source]
        if there:
            ids = [one.id for one in there]
            noted = await versions(marks, call, ids)
            known = [noted[id_] for id_ in ids]
            await mark(marks, call, ids, [one.source for one in there], known)
        gone = [one.id for one in done if not one.source]
        if gone:
            await marks.run("delete", call, lambda d: d.delete_many(call, gone), rows=len(gone))

    async def _check_unchanged(self) -> None:
        stored, name = self._sides.stored, self._spec.name
        now = (await self._sides.opened.backend.catalogue()).get(name)
        if now is None or roles(now) != roles(stored):
            raise SchemaMismatch(
                f"the generations of store {name!r} were switched or dropped meanwhile",
                store=name,
                hint=f"See `polystore generation list {name}`; `fill` may be run again",
            )


def roles(stored: StoredSpec) -> list[tuple[int, str]]:
    """Return which generations there are and what for; the marks come and go while switching."""
    beside = [(one.number, one.role) for one in stored.beside if one.role != "marks"]
    return [(stored.generation, "serving"), *beside]
