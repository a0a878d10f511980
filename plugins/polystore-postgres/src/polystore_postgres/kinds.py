"""Which modules serve which kind; they are imported when a store of the kind is used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.capabilities import Kind
    from polystore.specdiff import StoredSpec
    from polystore.stores.driver import Driver
    from polystore_postgres.names import Names
    from polystore_postgres.tables import KindSchema


@dataclass(frozen=True, slots=True)
class KindModules:
    """The modules of one kind.

    Attributes:
        driver: "module:Class", made as `Class(pool, stored, names, capabilities)`.
        schema: The module with the functions of `KindSchema`.
        prefixes: Of the names of its tables; the first one's primary key has every workspace
            that has data.
    """

    driver: str
    schema: str
    prefixes: tuple[str, ...]

    def load_driver(self) -> Callable[..., Driver]:
        """Import and return the driver's class."""
        module, _, name = self.driver.partition(":")
        return cast("Callable[..., Driver]", getattr(importlib.import_module(module), name))

    def tables(self, stored: StoredSpec, names: Names) -> list[str]:
        """Return the bare names of every table of a store, its partitions included."""
        found = [names.bare(prefix, stored) for prefix in self.prefixes]
        return found + list(self.load_schema().partitions(stored, names))

    def load_schema(self) -> KindSchema:
        """Import and return the schema functions."""
        module: Any = importlib.import_module(self.schema)
        return cast("KindSchema", module)


_HERE: Final = "polystore_postgres"

KINDS: Final[dict[Kind, KindModules]] = {
    "kv": KindModules(f"{_HERE}.kv:PostgresKV", f"{_HERE}.schema_kv", ("kv",)),
    "doc": KindModules(f"{_HERE}.doc:PostgresDoc", f"{_HERE}.schema_doc", ("doc",)),
    "vector": KindModules(f"{_HERE}.vector:PostgresVector", f"{_HERE}.schema_vector", ("vec",)),
    "graph": KindModules(f"{_HERE}.graph:PostgresGraph", f"{_HERE}.schema_graph", ("node", "edge")),
}
