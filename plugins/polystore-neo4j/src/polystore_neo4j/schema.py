"""Constraints and indexes: what a store needs in the database, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polystore.specs import GraphSpec
from polystore_neo4j.labels import near_index
from polystore_neo4j.names import quoted
from polystore_neo4j.statements import field_name

if TYPE_CHECKING:
    from polystore.specs import StoreSpec
    from polystore_neo4j.connection import Row, Server

SHOW: Final = (
    "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, state, "
    "owningConstraint RETURN name, type, entityType, labelsOrTypes, properties, state, "
    "owningConstraint IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Index:
    """An index, alone or of a constraint.

    Attributes:
        name: Its name.
        kind: RANGE or FULLTEXT.
        entity: NODE or RELATIONSHIP.
        label: What it is on.
        properties: Of these.
        unique: Whether it belongs to a uniqueness constraint.
    """

    name: str
    kind: str
    entity: str
    label: str
    properties: tuple[str, ...]
    unique: bool = False

    @property
    def statement(self) -> str:
        """What makes it where it is not there yet."""
        name, label = quoted(self.name), quoted(self.label)
        on = f"(x:{label})" if self.entity == "NODE" else f"()-[x:{label}]-()"
        properties = ", ".join(f"x.{property_}" for property_ in self.properties)
        if self.unique:
            return (
                f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {on} REQUIRE ({properties}) IS UNIQUE"
            )
        if self.kind == "FULLTEXT":
            return (
                f"CREATE FULLTEXT INDEX {name} IF NOT EXISTS FOR {on} ON EACH [{properties}] "
                "OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', "
                "`fulltext.eventually_consistent`: false}}"
            )
        return f"CREATE {self.kind} INDEX {name} IF NOT EXISTS FOR {on} ON ({properties})"

    @property
    def dropping(self) -> str:
        """What drops it, if it is there."""
        what = "CONSTRAINT" if self.unique else "INDEX"
        return f"DROP {what} {quoted(self.name)} IF EXISTS"

    def is_row(self, row: Row) -> bool:
        """Whether a row of `SHOW` is of this very index."""
        _, kind, entity, labels, properties, _, unique = row
        mine = (self.kind, self.entity, [self.label], list(self.properties), self.unique)
        return (kind, entity, labels, properties, unique) == mine


def store_indexes(label: str, spec: StoreSpec) -> list[Index]:
    """Return what a store of this label needs."""
    fields = len(spec.indexed_paths()) if isinstance(spec, GraphSpec) else 0
    found = [
        Index(f"{label}.nodes", "RANGE", "NODE", label, ("ws", "id"), unique=True),
        Index(
            f"{label}.edges",
            "RANGE",
            "RELATIONSHIP",
            label,
            ("ws", "source", "type", "target"),
            unique=True,
        ),
        Index(near_index(label), "FULLTEXT", "NODE", label, ("near",)),
    ]
    if fields:
        found.append(Index(f"{label}.shape", "RANGE", "NODE", label, ("shape", "ws")))
    names = map(field_name, range(fields))
    return found + [
        Index(f"{label}.{name}", "RANGE", "NODE", label, ("ws", name, "id")) for name in names
    ]


def text_dropping(label: str) -> str:
    """Return what drops the text index that stores had before step 2 of the layout."""
    return f"DROP INDEX {quoted(f'{label}.key')} IF EXISTS"


def name_index(label: str) -> Index:
    """Return what the library's own nodes of this label need: one of each name."""
    return Index(f"{label}.name", "RANGE", "NODE", label, ("name",), unique=True)


@dataclass(frozen=True, slots=True)
class State:
    """What became of an index: `missing`, `foreign` (another's name), or the server's word."""

    index: Index
    state: str


async def states(server: Server, indexes: list[Index]) -> list[State]:
    """Return what became of each of `indexes`."""
    rows = {row[0]: row for row in await server.read(SHOW, {})}
    return [State(index, _state(index, rows.get(index.name))) for index in indexes]


def _state(index: Index, row: Row | None) -> str:
    if row is None:
        return "missing"
    state = str(row[5]).lower()
    # The index of a constraint is its own from the moment that it is whole.
    return state if index.is_row(row) or state == "populating" else "foreign"
