"""Names of collections, and the keys of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polystore_milvus.columns import KEY, WORKSPACE
from polystore_milvus.expressions import literal, starting_with

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec

KEY_BYTES: Final = 1024
"""Of a primary key: a workspace (256), an id (512) and what stands between."""


@dataclass(frozen=True, slots=True)
class Names:
    """The collections of a namespace.

    Attributes:
        namespace: What each name begins with.
    """

    namespace: str

    @property
    def catalogue(self) -> str:
        """Of the stores, and of the workspaces that may have data in them."""
        return f"{self.namespace}__catalogue"

    def store(self, stored: StoredSpec) -> str:
        """Of a store: its name has no `__`, so that no two stores share a collection."""
        return f"{self.namespace}__{stored.spec.name}__{stored.generation}"


def key_prefix(workspace: str) -> str:
    """Return what the keys of a workspace begin with; none is the beginning of another."""
    return f"{len(workspace.encode())}:{workspace}"


def in_workspace(workspace: str) -> str:
    """Return the condition that a row belongs to a workspace."""
    return f"({WORKSPACE} == {literal(workspace)})"


def after(workspace: str, id_: str | None) -> str:
    """Return the condition that a row belongs to a workspace, with an id above `id_`."""
    prefix = key_prefix(workspace)
    inside = starting_with(KEY, prefix)
    return inside if id_ is None else f"{inside} and {KEY} > {literal(prefix + id_)}"
