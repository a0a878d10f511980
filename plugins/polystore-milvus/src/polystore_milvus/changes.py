"""Changes of stores: what is asked of the server, and what the catalogue then says.

The catalogue comes last, or first where something goes: what was cut off is done again, and what
the catalogue names is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from polystore.errors import Conflict
from polystore_milvus import collections
from polystore_milvus.options import check_index

if TYPE_CHECKING:
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.specs import VectorSpec
    from polystore_milvus.catalogue import Catalogue
    from polystore_milvus.connection import Server
    from polystore_milvus.names import Names


def statements(names: Names, stored: StoredSpec, change: SpecChange) -> list[str]:
    """Return in words what `apply` asks for."""
    record = f"Upsert {names.catalogue} <spec>"
    every = list(stored.every_generation())
    if change.action == "create_store":
        return [*_making(names, stored), record]
    if change.action == "start_generation":
        return [*_making(names, stored.numbered(int(change.subject[0]))), record]
    if change.action == "drop_generation":
        gone = stored.numbered(int(change.subject[0]))
        return [record, f"DropCollection {names.store(gone)}"]
    if change.action == "drop_store":
        drops = [f"DropCollection {names.store(one)}" for one in every]
        return [*drops, f"Delete {names.catalogue} {stored.spec.name}"]
    if change.action == "rename_store":
        renames = [f"RenameCollection {was} {now}" for was, now in _renames(names, stored, change)]
        return [*renames, record]
    return [record]


async def apply(
    server: Server, names: Names, catalogue: Catalogue, stored: StoredSpec, change: SpecChange
) -> None:
    """Carry out a change and record what is true afterwards; safe to repeat."""
    if change.action == "drop_store":
        for one in stored.every_generation():
            await collections.drop(server, names.store(one))
        await catalogue.remove(stored.spec.name)
    elif change.action == "rename_store":
        await _rename(server, names, catalogue, stored, change)
    elif change.action == "drop_generation":
        await catalogue.write(stored)
        await collections.drop(server, names.store(stored.numbered(int(change.subject[0]))))
    else:
        # A new field needs nothing: filters then look at what was made of the whole metadata.
        if change.action == "create_store":
            await _make(server, names, stored)
        elif change.action == "start_generation":
            coming = stored.numbered(int(change.subject[0]))
            await _check_unused(server, catalogue, coming)
            await collections.drop_leftover(server, names.store(coming))
            await _make(server, names, coming)
        await catalogue.write(stored)


async def _check_unused(server: Server, catalogue: Catalogue, coming: StoredSpec) -> None:
    """Raise Conflict if another process has made the generation since the catalogue was read.

    There are no locks. Without this look, who was held up in between would take it for a leftover.
    """
    known = (await catalogue.read()).get(coming.spec.name)
    used = () if known is None else known.every_generation()
    if coming.generation in [one.generation for one in used]:
        raise Conflict(
            f"another process has made generation {coming.generation} meanwhile",
            backend=server.name,
            store=coming.spec.name,
            hint="Look at `polystore plan`. Change generations from one process at a time",
        )


async def _make(server: Server, names: Names, stored: StoredSpec) -> None:
    spec = cast("VectorSpec", stored.spec)
    check_index(spec, lite=server.facts.lite, backend=server.name)
    await collections.make_store(server, names.store(stored), spec)


async def _rename(
    server: Server, names: Names, catalogue: Catalogue, stored: StoredSpec, change: SpecChange
) -> None:
    for was, now in _renames(names, stored, change):
        await collections.rename(server, was, now)
    for workspace in await catalogue.noted_workspaces(change.subject[0]):
        await catalogue.note_workspace(stored.spec.name, workspace)
    await catalogue.write(stored)
    await catalogue.remove(change.subject[0])


def _making(names: Names, stored: StoredSpec) -> tuple[str, ...]:
    return collections.store_statements(names.store(stored), cast("VectorSpec", stored.spec))


def _renames(names: Names, stored: StoredSpec, change: SpecChange) -> list[tuple[str, str]]:
    before = stored.named(change.subject[0])
    pairs = zip(before.every_generation(), stored.every_generation(), strict=True)
    return [(names.store(was), names.store(now)) for was, now in pairs]
