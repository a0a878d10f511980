"""The same commands on PostgreSQL: reached by an address, embedded, out of reach."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest
from servers.process import free_port

import polystore

from .conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from servers.postgres import PostgresServer

    from .conftest import Cli, Configure, Result

STORES = """
stores:
  cache: {kind: kv, ttl: 7d}
  documents: {kind: doc, indexes: [status]}
  knowledge: {kind: graph}
  chunks: {kind: vector, dimensions: 3, fields: {year: integer}}
require: {chunks: [filter], documents: [transaction]}
"""
COMMANDS = (
    ["check"],
    ["doctor"],
    ["doctor", "--json"],
    ["plan"],
    ["plan", "--json"],
    ["apply", "--yes"],
    ["stats"],
    ["stats", "--json"],
    ["workspaces", "list"],
    ["workspaces", "drop", "acme", "--yes"],
)


def run_all(cli: Cli) -> list[Result]:
    return [cli(*command, "-v") for command in COMMANDS]


def fill(file: Path) -> None:
    async def work() -> None:
        async with polystore.open(file) as ps:
            await ps.kv("cache").put_many({str(key): key for key in range(7)})
            await ps.workspace("acme").doc("documents").put("d", {"status": "new"})

    asyncio.run(work())


def test_a_database_from_empty_to_well(cli: Cli, configure: Configure, postgres_dsn: str) -> None:
    file = configure(f"backends: {{main: {{use: postgres, dsn: '{postgres_dsn}'}}}}\n{STORES}")
    assert cli("check").code == 0
    assert cli("doctor").code == 1
    assert cli("stats").code == 0
    pending = cli("plan", "-v")
    assert pending.code == 3
    assert "    CREATE TABLE" in pending.out
    assert cli("plan").code == 3
    assert cli("apply").code == 0
    assert cli("plan").code == 0
    fill(file)
    findings = json.loads(cli("doctor", "--json").out)["findings"]
    # The tests' own server does without fsync, and its user is a superuser: doctor likes neither.
    disliked = {f["check"] for f in findings if f["severity"] not in ("ok", "info")}
    assert disliked <= {"settings", "privileges"}
    stats = json.loads(cli("stats", "--json").out)
    assert {store["store"]: store["rows"] for store in stats["stores"]} == {
        "cache": 7,
        "chunks": 0,
        "documents": 0,
        "knowledge": 0,
    }
    assert stats["workspaces"] == ["acme", "default"]
    assert cli("workspaces", "drop", "acme", "--yes").lines == ["1 rows deleted"]
    assert cli("workspaces", "list").lines == ["default"]


def test_a_new_index_is_applied_and_another_dimension_is_refused(
    cli: Cli, configure: Configure, postgres_dsn: str
) -> None:
    head = f"backends: {{main: {{use: postgres, dsn: '{postgres_dsn}'}}}}\n"
    configure(head + STORES)
    assert cli("apply").code == 0
    configure(head + STORES.replace("[status]", "[status, author]"))
    pending = cli("plan", "--json")
    assert pending.code == 3
    assert [change["action"] for change in json.loads(pending.out)["changes"]] == ["add_index"]
    assert cli("apply").code == 0
    assert cli("plan").code == 0
    configure(head + STORES.replace("dimensions: 3", "dimensions: 4"))
    for command in ("plan", "apply"):
        refused = cli(command)
        assert refused.code == 1
        assert "dimensions is 3 and would become 4" in refused.out


def test_what_init_writes_runs_as_it_is(program: Cli, folder: Path) -> None:
    assert program("init").code == 0
    assert program("doctor").code == 1  # the tables are not there yet
    assert program("apply").code == 0
    done = program("doctor")
    assert done.code == 0, done.out
    assert program("stats").lines[-1] == "workspaces with data: none"
    assert (folder / ".polystore").is_dir()


SECRET = "hunter2-p@ss/wörd"


def refused_address(server: PostgresServer) -> str:
    return server.at("127.0.0.1", password=quote(SECRET, safe=""))


@pytest.mark.parametrize("place", ["file", "environment", "keywords"])
def test_a_wrong_password_is_never_shown(
    cli: Cli,
    configure: Configure,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    address = refused_address(postgres_server)
    if place == "keywords":
        parts = urlsplit(address)
        address = f"host=127.0.0.1 port={parts.port} user={parts.username} password={SECRET}"
    shown = "${ADDRESS}" if place == "environment" else address
    configure(f'backends: {{main: {{use: postgres, dsn: "{shown}"}}}}\n{STORES}')
    monkeypatch.setenv("ADDRESS", address)
    results = run_all(cli)
    for command, done in zip(COMMANDS, results, strict=True):
        text = done.out + done.err
        for part in (SECRET, quote(SECRET, safe=""), "hunter2", address):
            assert part not in text, command
        assert done.code == (0 if command == ["check"] else 2 if "doctor" in command else 1)
    assert "password authentication failed" in results[1].out


def test_a_right_password_is_never_shown(
    cli: Cli, configure: Configure, postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    configure(f"backends: {{main: {{use: postgres, dsn: '{postgres_dsn}'}}}}\n{STORES}")
    for command, done in zip(COMMANDS, run_all(cli), strict=True):
        text = done.out + done.err
        assert postgres_server.password not in text, command
        assert urlunsplit(urlsplit(postgres_dsn)) not in text, command


def test_a_misplaced_password_is_never_shown(
    cli: Cli, configure: Configure, postgres_server: PostgresServer
) -> None:
    address = refused_address(postgres_server)
    configure(
        "backends:\n"
        f"  main: {{use: postgres, dsn: '{address}', port: 3, pool: {{max: 'x{SECRET}'}}}}\n"
        f"  odd: {{use: postgres, dsn: 'postgresql://u:{SECRET}@[bad:x/db'}}\n"
    )
    for command, done in zip(COMMANDS, run_all(cli), strict=True):
        assert "hunter2" not in done.out + done.err, command
        assert done.code == (2 if "doctor" in command else 1)


def test_doctor_works_when_a_server_is_down(cli: Cli, configure: Configure) -> None:
    configure(
        "backends:\n"
        f"  far: {{use: postgres, dsn: 'postgresql://u:{quote(SECRET, safe='')}@127.0.0.1:"
        f"{free_port()}/db', connect: {{retries: 1, backoff: 0.01}}}}\n"
        "  near: {use: memory}\n"
        "defaults: {kv: near, doc: far}\n"
        "stores: {cache: {kind: kv}, documents: {kind: doc}}\n"
    )
    done = cli("doctor", "--json")
    assert (done.code, done.err) == (2, "")
    findings = json.loads(done.out)["findings"]
    assert (findings[0]["backend"], findings[0]["check"]) == ("far", "reachable")
    assert findings[0]["severity"] == "error"
    assert findings[0]["action"]
    assert any(f["backend"] == "near" and f["severity"] == "ok" for f in findings)
    assert "hunter2" not in done.out
    for command in ("plan", "apply", "stats"):
        failed = cli(command)
        assert (failed.code, failed.out) == (1, "")
        assert "(backend far)" in failed.err
        assert "Traceback" not in failed.err


def test_doctor_mends_an_index_that_is_gone(
    cli: Cli, configure: Configure, postgres_dsn: str
) -> None:
    configure(f"backends: {{main: {{use: postgres, dsn: '{postgres_dsn}'}}}}\n{STORES}")
    assert cli("apply").code == 0

    async def drop() -> str:
        connection = await asyncpg.connect(postgres_dsn)
        try:
            name = await connection.fetchval(
                "SELECT indexname FROM pg_indexes WHERE schemaname = 'polystore' "
                "AND indexdef NOT LIKE '%UNIQUE%' AND tablename LIKE '%documents%' LIMIT 1"
            )
            await connection.execute(f'DROP INDEX polystore."{name}"')
            return name
        finally:
            await connection.close()

    gone = asyncio.run(drop())
    assert cli("plan").code == 3
    mended = cli("doctor", "--fix", "--json")
    told = json.loads(mended.out)
    assert len(told["mended"]) == 1, gone
    assert "schema" not in {f["check"] for f in told["findings"]}
    assert cli("plan").code == 0
    assert json.loads(cli("doctor", "--fix", "--json").out)["mended"] == []


def test_apply_says_how_far_a_build_is(
    folder: Path, configure: Configure, postgres_dsn: str
) -> None:
    configure(f"backends: {{main: {{use: postgres, dsn: '{postgres_dsn}'}}}}\n{STORES}")
    command = [PROGRAM, "apply", "--yes"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert made.stderr == ""  # a new store has nothing to wait for

    async def work() -> tuple[str, str, int]:
        writer = await asyncpg.connect(postgres_dsn)
        [index] = await writer.fetchrow(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisprimary"
            " AND indrelid = 'polystore.doc_documents'::regclass"
        ) or [None]
        await writer.execute(f"DROP INDEX {index}")
        writing = writer.transaction()
        await writing.start()
        await writer.execute("LOCK TABLE polystore.doc_documents IN ROW EXCLUSIVE MODE")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        assert process.stdout is not None
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        await writing.rollback()
        await writer.close()
        out = (await process.stdout.read()).decode()
        return line, out, await process.wait()

    line, out, code = asyncio.run(work())
    assert line.startswith("  main: index doc_documents")
    assert "of doc_documents: waiting for writers before build, 0 of 1 transactions (0%)" in line
    assert code == 0
    assert out.endswith("1 of 1 changes applied\n")
