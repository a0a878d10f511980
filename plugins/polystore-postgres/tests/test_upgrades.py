"""Databases that earlier versions made, opened by this one: everything is there as it was.

The folder `schemas` keeps a dump of each version of the layout. Until now every commit since the
first release of version 2 makes the same tables, so one dump stands for all of them; two more have
what only later commits can make. `draft.sql` is from before that, when migrations still changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

import polystore
from polystore.errors import SchemaMismatch
from polystore_postgres.ledger import migrations

from .schemas.contents import WORKSPACES, answers, configured, fill

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.postgres import PostgresServer

SCHEMAS = Path(__file__).parent / "schemas"
FILLED = sorted(path.stem for path in SCHEMAS.glob("*.json"))
LATEST = len(migrations())


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> Generator[str]:
    """The address of a database whose owner is no superuser."""
    with postgres_server.owned_database() as address:
        yield address


async def restore(dsn: str, name: str) -> int:
    """Restore a dump and return the version of its layout."""
    text = (SCHEMAS / f"{name}.sql").read_text(encoding="utf-8")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(text)
        return await connection.fetchval("SELECT max(version) FROM polystore.ledger")
    finally:
        await connection.close()


def configuration(dsn: str, name: str) -> dict[str, Any]:
    guarded = {"row_level_security": True} if "guarded" in name else {}
    return configured({"dsn": dsn, **guarded}, 3 if "partitions" in name else None)


async def ledger(dsn: str) -> list[tuple[int, str]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT version, checksum FROM polystore.ledger ORDER BY 1")
        return [(row["version"], row["checksum"]) for row in rows]
    finally:
        await connection.close()


def test_every_earlier_version_has_a_dump() -> None:
    dumped = {int(path.stem.partition("-")[0]) for path in SCHEMAS.glob("[0-9]*.sql")}
    assert dumped >= set(range(1, LATEST))
    assert {int(name.partition("-")[0]) for name in FILLED} >= set(range(2, LATEST))


@pytest.mark.parametrize("name", FILLED)
async def test_everything_is_as_it_was(dsn: str, name: str) -> None:
    version = await restore(dsn, name)
    config = configuration(dsn, name)
    before = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    async with polystore.open(config, schema="off") as ps:
        done = await ps.apply()
        assert [change.action for change in done] == ["migrate_layout"] * (LATEST - version)
        assert await ps.plan() == []
    assert await ledger(dsn) == [(step.version, step.checksum) for step in migrations()]
    async with polystore.open(config, schema="check") as ps:
        assert await answers(ps) == before
        assert sorted(WORKSPACES) == before["workspaces"]
        findings = [finding for finding in await ps.doctor() if finding.severity == "error"]
        assert findings == []
        # The old rows take writes, and the others' are not touched by them.
        await fill(ps, "acme")
        await fill(ps, "another")
        after = await answers(ps)
    assert [after[workspace] for workspace in WORKSPACES[1:]] == [
        before[workspace] for workspace in WORKSPACES[1:]
    ]
    for what, told in after["another"].items():
        if "rows" in what or "nearest" in what or "words" in what:
            assert told == before["acme"][what] == after["acme"][what], what


async def test_a_layout_that_was_begun_is_finished(dsn: str) -> None:
    assert await restore(dsn, "1-ledger") == 1
    config = configuration(dsn, "1-ledger")
    with pytest.raises(SchemaMismatch, match="migration 2"):
        await polystore.open(config, schema="check").start()
    async with polystore.open(config, schema="auto") as ps:
        assert await ps.plan() == []
        await fill(ps, "acme")
        assert sorted(await answers(ps)) == ["acme", "workspaces"]
    assert await ledger(dsn) == [(step.version, step.checksum) for step in migrations()]


@pytest.mark.parametrize("mode", ["check", "auto"])
async def test_a_draft_from_before_is_refused_and_left_as_it_is(dsn: str, mode: Any) -> None:
    await restore(dsn, "draft")
    before = await ledger(dsn)
    with pytest.raises(
        SchemaMismatch, match=r"migration 1 .* was applied with another text"
    ) as told:
        await polystore.open(configuration(dsn, "draft"), schema=mode).start()
    assert "another namespace" in str(told.value)
    assert await ledger(dsn) == before
