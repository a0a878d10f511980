"""What has to change for the engines to have what is declared; and making it so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from polystore.declaring import Declared
from polystore.errors import SchemaMismatch
from polystore.runtime import check_requirements, live_capabilities
from polystore.specdiff import (
    SpecChange,
    StoredSpec,
    compare_specs,
    same_declaration,
    spec_after,
)
from polystore.stores.optional import OUT_OF_REACH
from polystore.types.reports import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from polystore.runtime import OpenBackend, Runtime
    from polystore.specs import StoreSpec
    from polystore.types.reports import Progress


_MIXING = frozenset({"kind", "dimensions", "metric", "directed"})
"""What has to be as stored even where `schema: off` trusts the rest."""
_SWITCHED = frozenset({"embedding_model"})
"""What has to be so elsewhere: a switch may have come between the opening and the first use."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of one store, and what the catalogue says once it is done."""

    stored: StoredSpec
    change: SpecChange


async def plan(runtime: Runtime) -> list[Change]:
    """Return every step from what the engines have to what is declared; [] if there is none."""
    changes: list[Change] = []
    for opened in runtime.backends.values():
        changes += await opened.backend.layout_changes()
        catalogue = await opened.backend.catalogue()
        for step in _steps(opened, served(runtime, opened), catalogue):
            changes.append(await describe(opened, step))
        changes += await opened.backend.repairs(in_use(catalogue))
    return changes


def in_use(catalogue: Mapping[str, StoredSpec]) -> list[StoredSpec]:
    """Return the stores as they serve, and as they served before: some may use those still.

    What is being filled is whole when it is switched to, and not before.
    """
    found: list[StoredSpec] = []
    for stored in catalogue.values():
        old = stored.find("old")
        found += [stored.alone()] if old is None else [stored.alone(), old]
    return found


async def apply(
    runtime: Runtime, progress: Callable[[Progress], object] | None = None
) -> list[Change]:
    """Carry out what `plan` returns, under each backend's schema lock; return what was done.

    Args:
        runtime: The open runtime.
        progress: Called with how far an engine is, where it can tell.

    Raises:
        SchemaMismatch: A step is refused; nothing was changed on any backend.
    """
    refuse([change for change in await plan(runtime) if change.refused])
    done: list[Change] = []
    for opened in runtime.backends.values():
        opened.backend.on_progress = progress
        try:
            done += await _apply_backend(opened, served(runtime, opened))
            done += await _repair(opened)
        finally:
            opened.backend.on_progress = None
    return done


async def repair(runtime: Runtime) -> list[Change]:
    """Mend on each open backend what broke though it was applied; return what was mended.

    Only that: nothing new is made, and nothing is removed.
    """
    return [
        change for opened in list(runtime.backends.values()) for change in await _repair(opened)
    ]


async def _repair(opened: OpenBackend) -> list[Change]:
    async with opened.backend.schema_lock():
        stored = in_use(await opened.backend.catalogue())
        repairs = list(await opened.backend.repairs(stored))
        if repairs:
            await opened.backend.repair(stored)
    return repairs


async def _apply_backend(opened: OpenBackend, declared: list[Declared]) -> list[Change]:
    done = list(await opened.backend.layout_changes())
    if done:
        await opened.backend.apply_layout()
    async with opened.backend.schema_lock():
        # Planned anew under the lock: another process may have done it meanwhile.
        for step in _steps(opened, declared, await opened.backend.catalogue()):
            described = await describe(opened, step)
            refuse([described] if described.refused else [])
            await opened.backend.apply_change(step.stored, step.change)
            done.append(described)
    return done


async def prepare(runtime: Runtime) -> None:
    """Do at open what each backend's `schema:` says: make it so, or check that it is so.

    Raises:
        SchemaMismatch: What is declared cannot be had, or (with `check`) has to be applied first.
    """
    runtime.on_inferred(ensure)

    async def prepare_late(opened: OpenBackend) -> None:
        await _prepare(runtime, opened)
        check_requirements(runtime, opened)

    runtime.on_reached(prepare_late)
    for opened in list(runtime.backends.values()):
        try:
            await _prepare(runtime, opened)
        except OUT_OF_REACH as error:
            if not runtime.is_optional(opened.name):
                raise
            await runtime.put_aside(opened, error)


async def _prepare(runtime: Runtime, opened: OpenBackend) -> None:
    declared = served(runtime, opened)
    if opened.schema_mode == "auto":
        await _make_so(opened, declared)
    elif opened.schema_mode == "check":
        await _check(opened, declared)


async def _make_so(opened: OpenBackend, declared: list[Declared]) -> None:
    pending = bool(await opened.backend.layout_changes())
    if not pending:
        steps = _steps(opened, declared, await opened.backend.catalogue())
        refuse([await describe(opened, step) for step in steps if step.change.reason])
        pending = bool(steps)
    if pending:
        await _apply_backend(opened, declared)


async def _check(opened: OpenBackend, declared: list[Declared]) -> None:
    changes = list(await opened.backend.layout_changes())
    steps = _steps(opened, declared, await opened.backend.catalogue())
    # New settings that only the catalogue notes are no reason to stop a service.
    real = [step for step in steps if step.change.action != "update_spec"]
    changes += [await describe(opened, step) for step in real]
    refuse([change for change in changes if change.refused])
    if changes:
        raise SchemaMismatch(
            "the engine does not have what is declared: "
            + "; ".join(change.summary for change in changes),
            backend=opened.name,
            hint="See `polystore plan`, then run `polystore apply`; or set `schema: auto`",
        )


async def ensure(runtime: Runtime, spec: StoreSpec) -> StoredSpec:
    """Return an inferred store's catalogue row, made now if it is new.

    Raises:
        SchemaMismatch: It is new, and the backend's `schema:` forbids making it; or it is there,
            and using it so would mix what does not go together.
    """
    opened = runtime.backend_for(spec)
    existing = (await opened.backend.catalogue()).get(spec.name)
    if existing is not None:
        mixing = _MIXING
        # Where no model was ever named, none can have been switched.
        if opened.schema_mode != "off" and getattr(existing.spec, "embedding_model", None):
            mixing = _MIXING | _SWITCHED
        differences = [
            Step(existing, _explained(existing, spec, change))
            for change in compare_specs(existing.spec, spec)
            if change.reason and change.subject[0] in mixing
        ]
        refuse([await describe(opened, step) for step in differences])
        return existing
    declared = runtime.declared.get(spec.name)
    origin = declared.origin if declared else "inferred"
    if opened.schema_mode != "auto":
        raise SchemaMismatch(
            f"the {spec.kind} store {spec.name!r} does not exist",
            backend=opened.name,
            store=spec.name,
            hint="Declare it under `stores:` and run `polystore apply`; or set `schema: auto`",
        )
    await _apply_backend(opened, [Declared(spec, origin)])
    return (await opened.backend.catalogue())[spec.name]


def refuse(changes: Iterable[Change]) -> None:
    """Raise SchemaMismatch for the changes that are refused, all in one message."""
    refused = list(changes)
    if refused:
        raise SchemaMismatch(
            "; ".join(f"store {change.store}: {change.summary}" for change in refused),
            backend=refused[0].backend,
            store=refused[0].store,
            hint=refused[0].refused,
        )


def served(runtime: Runtime, opened: OpenBackend) -> list[Declared]:
    """Return the declared stores that a backend serves."""
    return [
        declared
        for declared in runtime.declared.values()
        if runtime.config.backend_of(declared.spec) == opened.name
    ]


def _steps(
    opened: OpenBackend, declared: Iterable[Declared], catalogue: Mapping[str, StoredSpec]
) -> list[Step]:
    steps: list[Step] = []
    for wanted in declared:
        live_capabilities(opened, wanted.spec)
        existing = catalogue.get(wanted.spec.name)
        old = None if existing else catalogue.get(wanted.spec.renamed_from or "")
        if old is not None:
            existing = old.named(wanted.spec.name)
            steps.append(Step(existing, _renaming(opened, old, wanted.spec)))
        now = existing.spec if existing else None
        for change in compare_specs(now, wanted.spec, rebuilds=opened.backend.rebuilds):
            now = spec_after(now, wanted.spec, change)
            after = existing or StoredSpec(now)
            stored = replace(after, spec=now, origin=wanted.origin)
            steps.append(Step(stored, _explained(existing, wanted.spec, change)))
    return steps


def _renaming(opened: OpenBackend, old: StoredSpec, wanted: StoreSpec) -> SpecChange:
    was = old.spec.name
    summary = f"rename {old.spec.kind} store {was} to {wanted.name}"
    if opened.backend.renames:
        return SpecChange("rename_store", summary, (was,))
    reason = (
        f"This backend cannot rename a store in one step. Go on with {was}; or let "
        f"`polystore workspaces export` write what is in it, and `import` it under {wanted.name}"
    )
    return SpecChange("refused", summary, ("name",), reason)


def _explained(existing: StoredSpec | None, wanted: StoreSpec, change: SpecChange) -> SpecChange:
    """Return a refusal with the way out that is open where the store has several generations."""
    if existing is None or change.reason is None:
        return change
    name, now = wanted.name, existing.generation
    coming, old = existing.find("next"), existing.find("old")
    if coming is not None and same_declaration(coming.spec, wanted):
        reason = (
            f"Generation {coming.generation} is declared so, but generation {now} serves: run "
            f"`polystore generation fill {name}`, then `polystore generation switch {name}`"
        )
    elif old is not None and same_declaration(old.spec, wanted):
        reason = (
            f"Generation {old.generation} was declared so, but generation {now} has served since "
            "it was switched to: declare the store as it is now"
        )
    else:
        return change
    return replace(change, reason=reason)


async def describe(opened: OpenBackend, step: Step) -> Change:
    """Return a step for a person, with its statements."""
    return Change(
        backend=opened.name,
        store=step.stored.spec.name,
        action=step.change.action,
        summary=step.change.summary,
        statements=await opened.backend.statements(step.stored, step.change),
        refused=step.change.reason,
    )
