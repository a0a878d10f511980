"""How two generations of a vector store differ, by the versions of their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from polystore.capabilities import Feature
from polystore.errors import ConfigError
from polystore.specs import IndexSpec, VectorSpec
from polystore.types.call import Call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from polystore.runtime import OpenBackend, Runtime
    from polystore.specdiff import StoredSpec
    from polystore.stores.bound import BoundStore
    from polystore.types.records import VectorRecord

ROWS = 500
"""Records that are compared at a time, at most."""

Action: TypeAlias = Literal["carry", "delete", "conflict", "note"]
"""`conflict`: written in the old generation, deleted in the new one; what is newer cannot be told.
`note`: equal, but not as the marks say."""


class Difference(NamedTuple):
    """A record that is not the same on both sides; 0 stands for the version of none."""

    action: Action
    id: str
    source: int
    target: int
    mark: int


@dataclass(frozen=True, slots=True)
class Part:
    """What was found when some records were compared.

    Attributes:
        rows: How many of the side that was read.
        differences: What has to be done for them to be equal.
    """

    rows: int
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Sides:
    """From where to where records move: always from the older generation to the newer one.

    Attributes:
        opened: The backend.
        stored: What the catalogue says of the store.
        older: The generation that is read.
        newer: The one that is filled.
        source: The store of the older one.
        target: The store of the newer one.
        marks: The versions that the target had when it began to serve. None before: until then
            nobody writes to it but who fills it, so that its own versions tell what was carried.
    """

    opened: OpenBackend
    stored: StoredSpec
    older: StoredSpec
    newer: StoredSpec
    source: BoundStore[Any]
    target: BoundStore[Any]
    marks: BoundStore[Any] | None

    def call(self, workspace: str) -> Call:
        """Return the call that reads what everybody has written."""
        live = self.opened.backend.capabilities("vector")
        strong = live is not None and Feature.STRONG_READS in live.features
        return Call(workspace, consistency="strong" if strong else "session")


def sides_of(runtime: Runtime, opened: OpenBackend, stored: StoredSpec) -> Sides:
    """Return what there is to fill.

    Raises:
        ConfigError: The store has one generation only.
    """
    coming, old = stored.find("next"), stored.find("old")
    older, newer = (stored.alone(), coming) if coming is not None else (old, stored.alone())
    if older is None:
        raise ConfigError(
            f"store {stored.spec.name!r} has no other generation than {stored.generation}",
            store=stored.spec.name,
            hint=f"Declare it as it should become and run `polystore generation start "
            f"{stored.spec.name}`",
        )
    marks = None if coming is not None else stored.find("marks")
    return Sides(
        opened,
        stored,
        older,
        newer,
        runtime.stored(opened, older),
        runtime.stored(opened, newer),
        None if marks is None else runtime.stored(opened, marks),
    )


def marks_spec(name: str) -> VectorSpec:
    """Return how the versions of a generation are kept: as records that have nothing else."""
    return VectorSpec(name=name, dimensions=2, metric="cosine", index=IndexSpec(type="none"))


async def differences(sides: Sides, workspace: str) -> AsyncIterator[Part]:
    """Yield how the sides differ, some records at a time."""
    call = sides.call(workspace)
    async for records in scan(sides.source, call):
        here = {record.id: record.version for record in records}
        there = await versions(sides.target, call, list(here))
        yield Part(len(records), await _decided(sides, call, here, there))
    async for records in scan(sides.target, call):
        there = {record.id: record.version for record in records}
        here = await versions(sides.source, call, list(there))
        gone = {id_: version for id_, version in there.items() if not here[id_]}
        yield Part(0, await _decided(sides, call, dict.fromkeys(gone, 0), gone))


async def scan(store: BoundStore[Any], call: Call) -> AsyncIterator[list[VectorRecord]]:
    """Yield the records of a workspace, without their vectors, page by page."""
    cursor: str | None = None
    rows = min(ROWS, (await store.ready()).capabilities.limits.batch_rows)
    while True:
        at = cursor
        page = await store.run(
            "scan", call, lambda d, at=at: d.scan_page(call, None, at, rows, with_vectors=False)
        )
        yield page.items
        cursor = page.cursor
        if cursor is None:
            return


async def versions(store: BoundStore[Any], call: Call, ids: Sequence[str]) -> dict[str, int]:
    """Return the version of each of `ids`, 0 for one that is not there."""
    if not ids:
        return {}
    found = await records_of(store, call, ids, with_vectors=False)
    return {
        id_: 0 if record is None else record.version for id_, record in zip(ids, found, strict=True)
    }


async def records_of(
    store: BoundStore[Any], call: Call, ids: Sequence[str], *, with_vectors: bool
) -> list[VectorRecord | None]:
    """Return the record of each of `ids`, None for one that is not there."""
    return await store.run(
        "get",
        call,
        lambda d: d.get_many(call, list(ids), with_vectors=with_vectors),
        rows=len(ids),
    )


async def _decided(
    sides: Sides, call: Call, here: Mapping[str, int], there: Mapping[str, int]
) -> list[Difference]:
    # Before the switch the target's own version is the one that was carried, if any was.
    marks = there if sides.marks is None else await versions(sides.marks, call, list(here))
    decided: list[Difference] = []
    for id_, source in here.items():
        target, mark = there[id_], marks[id_]
        action = decide(source, target, mark)
        if action is not None:
            decided.append(Difference(action, id_, source, target, mark))
    return decided


def decide(source: int, target: int, mark: int) -> Action | None:
    """Return what has to be done with a record; None: nothing.

    Args:
        source: Its version in the older generation; 0 for none.
        target: In the newer one.
        mark: The one that both had when they were last known to be equal.
    """
    if source == target:
        return None if mark == source else "note"
    if source == mark:  # what happened, happened in the newer generation
        return None
    if target == mark:
        return "carry" if source else "delete"
    # Both were changed. Versions follow the clock: the later one stays.
    if source and not target:
        return "conflict"
    return "carry" if source > target else None
