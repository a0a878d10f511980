"""The hooks that a plugin module (entry point group `polystore`) may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.backend import BackendInfo
    from polystore.sources import SourceInfo
    from polystore.specs import StoreSpec

    StoreSets: TypeAlias = Mapping[str, Sequence[StoreSpec]]

hookspec = pluggy.HookspecMarker("polystore")
hookimpl = pluggy.HookimplMarker("polystore")


@hookspec
def polystore_backends() -> BackendInfo:  # type: ignore[empty-body]
    """Return what kind of backend this plugin brings. Imports no driver."""


@hookspec
def polystore_store_sets(settings: Mapping[str, Any]) -> StoreSets:  # type: ignore[empty-body]
    """Return named sets of stores that a configuration may `include:`.

    Args:
        settings: What the configuration says about the set; leave the argument out to take none.
    """


@hookspec
def polystore_sources() -> Mapping[str, SourceInfo]:  # type: ignore[empty-body]
    """Return what `polystore migrate-from NAME` can read, by name. Imports no driver."""
