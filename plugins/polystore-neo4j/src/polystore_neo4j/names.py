"""Names of labels, relationship types, constraints and indexes; none is made of users' data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a backend. Neither the namespace nor a store's name has a dot or a backtick.

    Attributes:
        namespace: What they all begin with.
    """

    namespace: str

    @property
    def catalogue(self) -> str:
        """Label of the nodes that say which stores exist."""
        return f"{self.namespace}.catalogue"

    @property
    def layout(self) -> str:
        """Label of the nodes that say which steps of the layout were taken."""
        return f"{self.namespace}.layout"

    @property
    def lock(self) -> str:
        """Label of the node that who changes the schema holds."""
        return f"{self.namespace}.lock"

    def store(self, stored: StoredSpec) -> str:
        """Return the label of a store's nodes, which is the type of its edges too."""
        return f"{self.namespace}.store.{stored.spec.name}.{stored.generation}"


def quoted(name: str) -> str:
    """Return a name as Cypher writes it."""
    return "`" + name.replace("`", "``") + "`"
