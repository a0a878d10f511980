"""Generations of a vector store: another one beside that which serves, filled, switched to.

At any time a store has one generation that serves; besides that nothing, or the next one that is
being filled, or the old one that served before and whose last writers may still be at it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from polystore.capabilities import Feature
from polystore.errors import ConfigError, Conflict, SchemaMismatch, StoreNotFound
from polystore.runtime import live_capabilities
from polystore.schema.carrying import mark
from polystore.schema.filling import Filler
from polystore.schema.versions import differences, marks_spec, scan, sides_of
from polystore.specdiff import SpecChange, compare_specs, same_declaration
from polystore.specs import VectorSpec
from polystore.stored import Generation
from polystore.types.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.runtime import OpenBackend, Runtime
    from polystore.schema.carrying import Embed
    from polystore.schema.filling import FillReport
    from polystore.schema.versions import Sides
    from polystore.specdiff import StoredSpec

_TEXTS = 256
State: TypeAlias = Literal["serving", "filling", "old"]


@dataclass(frozen=True, slots=True)
class GenerationState:
    """A generation of a vector store.

    Attributes:
        store: The store.
        number: Of the generation.
        state: `serving`; `filling`, until it is switched to; `old`, after another one was.
        dimensions: Of its vectors.
        metric: Its metric.
        embedding_model: What made its vectors, as declared.
        rows: Records in all workspaces.
    """

    store: str
    number: int
    state: State
    dimensions: int
    metric: str
    embedding_model: str | None
    rows: int


class Generations:
    """The generations of one vector store, of every workspace. Made by `Polystore.generations`."""

    def __init__(self, runtime: Runtime, store: str) -> None:
        self._runtime = runtime
        self._name = store

    async def states(self) -> list[GenerationState]:
        """Return the generations, the oldest first.

        Raises:
            StoreNotFound: There is no such vector store.
        """
        opened = await self._backend()
        stored = await self._stored(opened)
        states: list[tuple[StoredSpec, State]] = [(stored.alone(), "serving")]
        for role, state in _SHOWN.items():
            found = stored.find(role)
            if found is not None:
                states.append((found, state))
        workspaces = await opened.backend.workspaces()
        return sorted(
            [await self._state(opened, one, state, workspaces) for one, state in states],
            key=lambda one: one.number,
        )

    async def start(self) -> int:
        """Make another generation, as the store is declared now; return its number.

        The present one serves on. Done twice it makes one.

        Raises:
            SchemaMismatch: There is nothing to be changed, or a generation is in the way.
            UnsupportedError: The backend has no generations.
        """
        opened = await self._backend()
        declared = self._declared()
        live_capabilities(opened, declared).require(
            Feature.GENERATIONS,
            backend=opened.name,
            store=self._name,
            operation="another generation",
        )
        async with opened.backend.schema_lock():
            stored = await self._stored(opened)
            coming = stored.find("next")
            if coming is not None and same_declaration(coming.spec, declared):
                return coming.generation
            self._check_startable(stored, declared)
            number = max(one.generation for one in stored.every_generation()) + 1
            after = _with(stored, Generation(declared, number, "next"))
            change = SpecChange(
                "start_generation",
                f"make generation {number} of vector store {self._name}",
                (str(number),),
            )
            await opened.backend.apply_change(after, change)
        return number

    async def fill(
        self,
        embed: Embed | None = None,
        *,
        batch: int = _TEXTS,
        progress: Callable[[FillReport], object] | None = None,
    ) -> FillReport:
        """Carry over what the newer generation does not have yet, from all workspaces.

        Reads and writes go on meanwhile. Run again it carries what was written or deleted since;
        after a switch, too, what those wrote who still use the old generation. What was changed on
        both sides stays as it was changed last.

        Args:
            embed: Gets texts and returns a vector for each, at once or to be awaited; None: the
                vectors are copied.
            batch: Texts that it gets at a time, at most.
            progress: Told after every part.

        Raises:
            ConfigError: There is one generation only, or vectors of other dimensions are to be
                copied.
            InvalidRecord: The function returned what the store does not take.
            PolystoreError: The function failed. What was carried over stays.
        """
        if batch < 1:
            raise ConfigError(f"batch must be at least 1, not {batch}")
        opened = await self._backend()
        sides = sides_of(self._runtime, opened, await self._stored(opened))
        return await Filler(sides, embed, batch=batch, progress=progress).run()

    async def switch(self, *, force: bool = False) -> int:
        """Let the newer generation serve from now on; return its number.

        Whoever opens the store from now on gets it. Who has it open goes on with the old one; run
        `fill` again until they are gone, and then `drop`.

        Args:
            force: Although the generations differ; `fill` carries the rest afterwards.

        Raises:
            Conflict: They differ; nothing was changed.
            SchemaMismatch: The store is declared otherwise than the newer generation.
            ConfigError: There is none.
        """
        opened = await self._backend()
        async with opened.backend.schema_lock():
            stored = await self._stored(opened)
            coming = stored.find("next")
            if coming is None and stored.find("old") is not None:
                return stored.generation
            sides = sides_of(self._runtime, opened, stored)
            if not same_declaration(sides.newer.spec, self._declared()):
                raise SchemaMismatch(
                    f"generation {sides.newer.generation} is not what is declared",
                    backend=opened.name,
                    store=self._name,
                    hint="Declare the store as it was when the generation was started",
                )
            if not force:
                await self._check_equal(sides, "switched")
            await opened.backend.repair([sides.newer])
            stored = await self._marked(sides, stored)
            await self._switch(opened, stored, sides)
        return sides.newer.generation

    async def drop(self, *, unfinished: bool = False, force: bool = False) -> int:
        """Remove the generation that does not serve, for good; return its number.

        Args:
            unfinished: The one that is being filled, too; else only the old one.
            force: Although the old one has records that were not carried over.

        Raises:
            Conflict: It has such records; nothing was removed.
            ConfigError: There is no such generation.
        """
        opened = await self._backend()
        async with opened.backend.schema_lock():
            stored = await self._stored(opened)
            sides = sides_of(self._runtime, opened, stored)
            coming = stored.find("next")
            if coming is not None and not unfinished:
                raise ConfigError(
                    f"generation {coming.generation} is not switched to yet",
                    backend=opened.name,
                    store=self._name,
                    hint=f"`polystore generation switch {self._name}` first; --unfinished gives "
                    "it up",
                )
            if coming is None and not force:
                await self._check_equal(sides, "dropped")
            going = sides.older if coming is None else coming
            for one in list(stored.every_generation())[1:]:
                stored = await _drop(opened, stored, one.generation)
        return going.generation

    async def _backend(self) -> OpenBackend:
        name = self._runtime.config.backend_of(self._declared())
        return await self._runtime.reach(name)

    def _declared(self) -> VectorSpec:
        return cast("VectorSpec", self._runtime.bound("vector", self._name).spec)

    async def _stored(self, opened: OpenBackend) -> StoredSpec:
        stored = (await opened.backend.catalogue()).get(self._name)
        if stored is None or not isinstance(stored.spec, VectorSpec):
            raise StoreNotFound(
                f"there is no vector store {self._name!r} yet",
                backend=opened.name,
                store=self._name,
                hint="Run `polystore apply`",
            )
        return stored

    def _check_startable(self, stored: StoredSpec, declared: VectorSpec) -> None:
        """Raise SchemaMismatch if there is something in the way of another generation."""
        hint = f"Run `polystore generation drop {self._name}` first"
        if stored.find("next") is not None:
            text = "another generation was started, with another declaration"
            hint += " with --unfinished"
        elif stored.find("old") is not None:
            text = "the old generation is still there"
        elif not compare_specs(stored.spec, declared):
            text, hint = "the store has what is declared", "Change its declaration first"
        else:
            return
        raise SchemaMismatch(text, store=self._name, hint=hint)

    async def _check_equal(self, sides: Sides, what: str) -> None:
        """Raise Conflict if the newer generation lacks something."""
        missing = extra = 0
        for workspace in await sides.opened.backend.workspaces():
            async for part in differences(sides, workspace):
                missing += sum(one.action in {"carry", "conflict"} for one in part.differences)
                extra += sum(one.action == "delete" for one in part.differences)
        if missing or extra:
            raise Conflict(
                f"generation {sides.newer.generation} is not {what}: {missing} records of "
                f"generation {sides.older.generation} are not in it as they are now, and {extra} "
                "that were deleted are",
                backend=sides.opened.name,
                store=self._name,
                hint=f"Run `polystore generation fill {self._name}` again. On a store that is "
                "written all the while, say --force: `fill` carries the rest after the switch"
                if what == "switched"
                else f"Run `polystore generation fill {self._name}` again, or say --force",
            )

    async def _marked(self, sides: Sides, stored: StoredSpec) -> StoredSpec:
        """Note which versions the newer generation has; return what the catalogue then says."""
        opened, left = sides.opened, stored.find("marks")
        if left is not None:  # by a switch that was cut off
            stored = await _drop(opened, stored, left.generation)
        number = sides.newer.generation + 1
        stored = _with(stored, Generation(marks_spec(self._name), number, "marks"))
        change = SpecChange("start_generation", "keep the versions", (str(number),))
        await opened.backend.apply_change(stored, change)
        marks = self._runtime.stored(opened, stored.numbered(number))
        for workspace in await opened.backend.workspaces():
            call = sides.call(workspace)
            async for records in scan(sides.target, call):
                if records:
                    ids = [record.id for record in records]
                    versions = [record.version for record in records]
                    await mark(marks, call, ids, versions, [0] * len(ids))
        return stored

    async def _switch(self, opened: OpenBackend, stored: StoredSpec, sides: Sides) -> None:
        marks = [one for one in stored.beside if one.role == "marks"]
        old = Generation(stored.spec, stored.generation, "old")
        after = replace(
            stored,
            spec=sides.newer.spec,
            generation=sides.newer.generation,
            beside=(old, *marks),
        )
        await opened.backend.apply_change(
            after,
            SpecChange("switch_generation", f"generation {after.generation} serves"),
        )

    async def _state(
        self, opened: OpenBackend, one: StoredSpec, state: State, workspaces: list[str]
    ) -> GenerationState:
        spec = cast("VectorSpec", one.spec)
        store = self._runtime.stored(opened, one)
        counts = [
            await store.run("count", call, lambda d, call=call: d.count(call))
            for call in map(Call, workspaces)
        ]
        return GenerationState(
            self._name,
            one.generation,
            state,
            spec.dimensions,
            spec.metric,
            spec.embedding_model,
            sum(counts),
        )


_SHOWN: dict[Literal["next", "old"], State] = {"next": "filling", "old": "old"}


def _with(stored: StoredSpec, one: Generation) -> StoredSpec:
    return replace(stored, beside=(*stored.beside, one))


async def _drop(opened: OpenBackend, stored: StoredSpec, number: int) -> StoredSpec:
    """Remove a generation; return what the catalogue then says."""
    after = replace(stored, beside=tuple(one for one in stored.beside if one.number != number))
    change = SpecChange("drop_generation", f"drop generation {number}", (str(number),))
    await opened.backend.apply_change(after, change)
    return after
