"""Workspaces over all stores of a backend: list, size, drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidRecord, LimitExceeded
from polystore.testing.backend.base import (
    STORE_OF,
    BackendTests,
    count,
    kinds_of,
    read,
    write,
)
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.values import REFUSED_TEXTS, WORKSPACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore


class BackendWorkspaces(BackendTests):
    """Tenants."""

    async def test_list(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """A workspace is listed while any store has data of it, under its exact name."""
        for kind in kinds_of(config):
            name = f"{fresh_workspace()} 'ü%_ {kind}"
            assert name not in await client.workspaces()
            await write(client.workspace(name), kind, "a")
            listed = await client.workspaces()
            assert name in listed
            assert listed == sorted(set(listed))
            await client.workspace(name).drop()
            assert name not in await client.workspaces()

    async def test_drop(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """Drop deletes everything of one workspace in every store, and nothing of another."""
        tag = fresh_workspace()
        one, other = client.workspace(f"{tag}-a"), client.workspace(f"{tag}_a")
        for kind in kinds_of(config):
            for space in (one, other):
                await write(space, kind, "a", 1)
                await write(space, kind, "b", 2)
        assert await one.drop() >= 2 * len(kinds_of(config))
        for kind in kinds_of(config):
            assert await count(one, kind) == 0
            assert await read(one, kind, "a") is None
            assert await count(other, kind) == 2
            assert await read(other, kind, "a") == 1
        assert await one.drop() == 0
        await other.drop()

    async def test_sizes(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """Sizes tell of every declared store how much it holds in this workspace."""
        space = client.workspace(fresh_workspace())
        for kind in kinds_of(config):
            for id_ in ("a", "b", "c"):
                await write(space, kind, id_)
        sizes = {size.store: size for size in await space.sizes()}
        assert set(sizes) == set(client.runtime.declared)
        for kind in kinds_of(config):
            size = sizes[STORE_OF[kind]]
            assert size.rows == (6 if kind == "graph" else 3)
            assert size.bytes is None or size.bytes > 0
            assert size.kind == kind

    async def test_names_that_must_not_meet(
        self, client: Polystore, config: Mapping[str, Any]
    ) -> None:
        """Names that fold, trim, join or shorten into one another are listed apart."""
        kind = kinds_of(config)[0]
        for name in WORKSPACES:
            await write(client.workspace(name), kind, "a")
        assert set(WORKSPACES) <= set(await client.workspaces())
        for name in WORKSPACES:
            await client.workspace(name).drop()
        assert not set(WORKSPACES) & set(await client.workspaces())

    async def test_refused_names(self, client: Polystore) -> None:
        """Empty names, NUL, lone surrogates, what is no text and 257 bytes are refused."""
        for name in ("", *REFUSED_TEXTS, 1, None, b"a"):
            given: Any = name

            async def take(given: Any = given) -> None:
                client.workspace(given)

            await assert_raises(InvalidRecord, take, about=name)
        for name in ("w" * 257, "é" * 128 + "a"):

            async def take_long(name: str = name) -> None:
                client.workspace(name)

            await assert_raises(LimitExceeded, take_long)
