"""Vector writes that wait for the end of a batch, so that their texts are embedded together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True, eq=False)
class Waiting:
    """A record that is to be stored, with its vector once that is made."""

    text: str
    metadata: dict[str, Any]
    vector: NDArray[np.float32] | None = None


@dataclass(slots=True, eq=False)
class Deleted:
    """A record that is to be deleted."""


@dataclass(slots=True)
class Pending:
    """What was asked for since the last flush; of what was asked for one id, the last counts."""

    by_id: dict[str, Waiting | Deleted] = field(default_factory=dict[str, Waiting | Deleted])

    def settle(self, done: dict[str, Waiting | Deleted]) -> None:
        """Forget what was carried out, but not what was asked for meanwhile."""
        for id_, asked in done.items():
            if self.by_id.get(id_) is asked:
                del self.by_id[id_]

    def drop_where(self, **fields: str) -> None:
        """Forget records that wait and have any of these values in their metadata."""
        gone = [
            id_
            for id_, asked in self.by_id.items()
            if isinstance(asked, Waiting)
            and any(asked.metadata.get(name) == value for name, value in fields.items())
        ]
        for id_ in gone:
            del self.by_id[id_]
