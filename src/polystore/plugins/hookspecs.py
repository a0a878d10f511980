"""The hooks that a plugin module (entry point group `polystore`) may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.backend import BackendInfo
    from polystore.specs import StoreSpec

hookspec = pluggy.HookspecMarker("polystore")
hookimpl = pluggy.HookimplMarker("polystore")


@hookspec
def polystore_backends() -> BackendInfo:  # type: ignore[empty-body]
    """Return what kind of backend this plugin brings. Imports no driver."""


@hookspec
def polystore_store_sets() -> Mapping[str, Sequence[StoreSpec]]:  # type: ignore[empty-body]
    """Return named sets of stores that a configuration may `include:`."""
