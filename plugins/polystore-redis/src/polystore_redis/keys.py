"""Names of keys: injective, and with a hash tag that no text of the user makes or breaks.

Every key is `NAMESPACE:...`. A store's keys carry `{STORE.GENERATION:WORKSPACE:PARTITION}`, so that
whatever one script touches is in one slot of a cluster. Names are percent-encoded, so that braces,
colons and percent signs in them stand for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.specdiff import StoredSpec


@dataclass(frozen=True, slots=True)
class Names:
    """The keys that belong to the whole backend.

    Attributes:
        namespace: What every key begins with; plain letters, digits, `_`, `-` and `.`.
    """

    namespace: str

    @property
    def layout(self) -> str:
        """A hash: number of a step of the layout, to when it was taken and its checksum."""
        return f"{self.namespace}:layout"

    @property
    def catalogue(self) -> str:
        """A hash: name of a store, to its spec."""
        return f"{self.namespace}:catalogue"

    @property
    def lock(self) -> str:
        """A string, while somebody changes the schema."""
        return f"{self.namespace}:lock"

    def workspaces(self, stored: StoredSpec) -> str:
        """Return a set: the workspaces that a store may have data of."""
        return f"{self.namespace}:workspaces:{_store(stored)}"


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """The keys of one store.

    Attributes:
        namespace: Of the backend.
        store: Name and generation, in one part.
        partitions: Into how many slots a workspace is spread.
    """

    namespace: str
    store: str
    partitions: int

    @classmethod
    def of(cls, names: Names, stored: StoredSpec, partitions: int) -> StoreKeys:
        """Return the keys of `stored`."""
        return cls(names.namespace, _store(stored), partitions)

    def partition(self, workspace: str, number: int) -> Partition:
        """Return one partition of a workspace."""
        tag = f"{self.store}:{encode(workspace)}:{number}"
        return Partition(f"{self.namespace}:{{{tag}}}:".encode())

    def all_of(self, workspace: str) -> list[Partition]:
        """Return the partitions of a workspace."""
        return [self.partition(workspace, number) for number in range(self.partitions)]

    def number_of(self, id_: str) -> int:
        """Return which partition a key or id is in."""
        return crc32(id_.encode()) % self.partitions if self.partitions > 1 else 0

    def split(self, ids: Sequence[str]) -> Iterable[tuple[int, list[int]]]:
        """Return the partitions of `ids`, and the positions of those that are there."""
        if self.partitions == 1:
            return [(0, list(range(len(ids))))]
        groups: dict[int, list[int]] = {}
        for position, id_ in enumerate(ids):
            groups.setdefault(self.number_of(id_), []).append(position)
        return groups.items()


@dataclass(frozen=True, slots=True)
class Partition:
    """The keys of one slot's part of a workspace in a store.

    Attributes:
        prefix: What they all begin with.
    """

    prefix: bytes

    @property
    def version(self) -> bytes:
        """A string: the last version that was given."""
        return self.prefix + b"v"

    @property
    def ids(self) -> bytes:
        """A sorted set, all of score 0: every key or id."""
        return self.prefix + b"i"

    @property
    def expiry(self) -> bytes:
        """A sorted set: keys that expire, by when (milliseconds since 1970)."""
        return self.prefix + b"x"

    @property
    def epoch(self) -> bytes:
        """A string: how many indexes a writer has to know, once more were added than at first."""
        return self.prefix + b"e"

    def index(self, name: str) -> bytes:
        """Return a sorted set, all of score 0: the members of a declared index."""
        return self.prefix + b"n:" + name.encode()

    def row_of(self, id_: bytes) -> bytes:
        """Return a string: one entry or document, by its key or id in UTF-8."""
        return self.prefix + b"r:" + id_

    def row(self, id_: str) -> bytes:
        """Return a string: one entry or document."""
        return self.prefix + b"r:" + id_.encode()


_PLAIN: Final = "-_.~"


def encode(text: str) -> str:
    """Return `text` without colons, braces and percent signs, told apart from any other text."""
    return quote(text, safe=_PLAIN)


def _store(stored: StoredSpec) -> str:
    return f"{encode(stored.spec.name)}.{stored.generation}"
