"""What is there though nobody declares it: stores that are kept until asked, generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.errors import ConfigError, StoreNotFound, UnsupportedError
from polystore.schema.planning import Step, describe, served
from polystore.specdiff import SpecChange
from polystore.types.reports import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.runtime import OpenBackend, Runtime
    from polystore.specdiff import StoredSpec
    from polystore.types.reports import Change


async def notes(runtime: Runtime) -> list[Finding]:
    """Return what is there beside what is declared, and that `apply` would not touch."""
    return [
        note
        for opened in runtime.backends.values()
        for stored in (await opened.backend.catalogue()).values()
        for note in _notes(opened, stored, declared=stored.spec.name in _declared(runtime, opened))
    ]


def _declared(runtime: Runtime, opened: OpenBackend) -> set[str]:
    """Return the names of the stores that a backend serves, the old ones where they get new."""
    specs = [declared.spec for declared in served(runtime, opened)]
    return {spec.name for spec in specs} | {
        spec.renamed_from for spec in specs if spec.renamed_from
    }


def _notes(opened: OpenBackend, stored: StoredSpec, *, declared: bool) -> Iterator[Finding]:
    name = stored.spec.name
    # What code or a plugin has declared it may declare again; the file alone cannot tell.
    if not declared and stored.origin == "yaml":
        message = f"{stored.spec.kind} store {name} is no longer declared; it is kept"
        action = f"`polystore apply --destroy {name}` drops it"
        yield Finding(opened.name, "stores", "info", message, name, action)
    coming, old = stored.find("next"), stored.find("old")
    if coming is not None:
        message = f"generation {coming.generation} of {name} is not switched to yet"
        action = (
            f"`polystore generation fill {name}`, then `polystore generation switch {name}`; "
            f"`polystore generation drop {name} --unfinished` gives it up"
        )
        yield Finding(opened.name, "generations", "warning", message, name, action)
    if old is not None:
        message = f"generation {old.generation} of {name}, which served before, is still there"
        action = (
            f"`polystore generation drop {name}` once nobody uses it any more, after a last "
            f"`polystore generation fill {name}`"
        )
        yield Finding(opened.name, "generations", "info", message, name, action)


async def destroying(runtime: Runtime, name: str) -> Change:
    """Return what `destroy` would do.

    Raises:
        StoreNotFound: No backend has a store of that name that is not declared.
        ConfigError: Several have.
        UnsupportedError: The backend cannot drop a store.
    """
    opened, stored = await _doomed(runtime, name)
    return await describe(opened, Step(stored, _dropping(stored)))


async def destroy(runtime: Runtime, name: str) -> Change:
    """Drop a store that is no longer declared, and all that it has; return what was done.

    Raises:
        StoreNotFound, ConfigError, UnsupportedError: As `destroying`.
    """
    opened, _ = await _doomed(runtime, name)
    async with opened.backend.schema_lock():
        opened, stored = await _doomed(runtime, name)
        step = Step(stored, _dropping(stored))
        described = await describe(opened, step)
        await opened.backend.apply_change(step.stored, step.change)
    return described


def _dropping(stored: StoredSpec) -> SpecChange:
    name, kind = stored.spec.name, stored.spec.kind
    return SpecChange("drop_store", f"drop {kind} store {name} and everything in it")


async def _doomed(runtime: Runtime, name: str) -> tuple[OpenBackend, StoredSpec]:
    """Return the store that is not declared of this name, or of `backend/name`."""
    place, _, store = name.rpartition("/")
    found: list[tuple[OpenBackend, StoredSpec]] = []
    for opened in runtime.backends.values():
        kept = _declared(runtime, opened)
        stored = (await opened.backend.catalogue()).get(store)
        if stored is not None and store not in kept and place in ("", opened.name):
            found.append((opened, stored))
    if len(found) > 1:
        places = ", ".join(f"{opened.name}/{store}" for opened, _ in found)
        raise ConfigError(f"several backends have a store {store!r}", hint=f"Say which: {places}")
    if not found:
        raise StoreNotFound(
            f"there is no store {name!r} that is not declared",
            store=store,
            hint="What is declared is not dropped: take it out of `stores:` first. "
            "`polystore plan` shows what is kept",
        )
    opened, stored = found[0]
    if not opened.backend.removes:
        raise UnsupportedError(
            "this backend cannot drop a store",
            backend=opened.name,
            store=store,
            hint="Drop it with the engine's own tools",
        )
    return opened, stored
