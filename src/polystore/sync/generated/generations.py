"""Generations of a vector store: another one beside that which serves, filled, switched to.

For synchronous callers: generated from polystore.schema.generations by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.schema.generations import Generations as AsyncGenerations
from polystore.schema.generations import GenerationState
from polystore.sync.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.schema.carrying import Embed
    from polystore.schema.filling import FillReport


class Generations(Wrapper[AsyncGenerations]):
    """The generations of one vector store, of every workspace. Made by `Polystore.generations`."""

    def states(self) -> list[GenerationState]:
        """Return the generations, the oldest first.

        Raises:
            StoreNotFound: There is no such vector store.
        """
        return self._portal.call(self._wrapped.states)

    def start(self) -> int:
        """Make another generation, as the store is declared now; return its number.

        The present one serves on. Done twice it makes one.

        Raises:
            SchemaMismatch: There is nothing to be changed, or a generation is in the way.
            UnsupportedError: The backend has no generations.
        """
        return self._portal.call(self._wrapped.start)

    def fill(
        self,
        embed: Embed | None = None,
        *,
        batch: int = 256,
        progress: Callable[[FillReport], object] | None = None,
    ) -> FillReport:
        """Carry over what the newer generation does not have yet, from all workspaces.

        Reads and writes go on meanwhile. Run again it carries what was written or deleted since;
        after a switch, too, what those wrote who still use the old generation. What was changed on
        both sides stays as it was changed last.

        Args:
            embed: Gets texts and returns a vector for each, at once or to be awaited; None: the
                vectors are copied.
            batch: Texts that it gets at a time, at most.
            progress: Told after every part.

        Raises:
            ConfigError: There is one generation only, or vectors of other dimensions are to be
                copied.
            InvalidRecord: The function returned what the store does not take.
            PolystoreError: The function failed. What was carried over stays.
        """
        return self._portal.call(self._wrapped.fill, embed, batch=batch, progress=progress)

    def switch(self, *, force: bool = False) -> int:
        """Let the newer generation serve from now on; return its number.

        Whoever opens the store from now on gets it. Who has it open goes on with the old one; run
        `fill` again until they are gone, and then `drop`.

        Args:
            force: Although the generations differ; `fill` carries the rest afterwards.

        Raises:
            Conflict: They differ; nothing was changed.
            SchemaMismatch: The store is declared otherwise than the newer generation.
            ConfigError: There is none.
        """
        return self._portal.call(self._wrapped.switch, force=force)

    def drop(self, *, unfinished: bool = False, force: bool = False) -> int:
        """Remove the generation that does not serve, for good; return its number.

        Args:
            unfinished: The one that is being filled, too; else only the old one.
            force: Although the old one has records that were not carried over.

        Raises:
            Conflict: It has such records; nothing was removed.
            ConfigError: There is no such generation.
        """
        return self._portal.call(self._wrapped.drop, unfinished=unfinished, force=force)
