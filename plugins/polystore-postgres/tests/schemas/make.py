"""Makes a dump of this folder: an earlier commit's code fills a database of its own.

    .venv/bin/python plugins/polystore-postgres/tests/schemas/make.py COMMIT NAME

NAME.sql is the database, NAME.json what that commit's code answered. `--partitions N` and
`--row-level-security` are for commits that have them; `--layout N` stops after N migrations, as a
process that was killed there, with nothing stored. Existing files are never made anew: they are
what those who installed that version have.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(HERE)]

from contents import configured  # noqa: E402
from servers.postgres import PostgresServer, postgres_server  # noqa: E402

from polystore_postgres.oshost import binaries  # noqa: E402

MIGRATE = """
import asyncio, sys
from polystore_postgres.config import PostgresConfig
from polystore_postgres.ledger import migrate, migrations
from polystore_postgres.pool import Pool

async def main():
    pool = await Pool.open(PostgresConfig(dsn=sys.argv[1]), backend="main")
    async with pool.admin() as connection:
        await migrate(connection, "polystore", migrations()[: int(sys.argv[2])])
    await pool.close()

asyncio.run(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("name")
    parser.add_argument("--partitions", type=int)
    parser.add_argument("--row-level-security", action="store_true")
    parser.add_argument("--layout", type=int)
    given = parser.parse_args()
    block = {"row_level_security": True} if given.row_level_security else {}
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        _check_out(given.commit, Path(folder))
        with server.owned_database() as dsn:
            config = configured({"dsn": dsn, "schema": "auto", **block}, given.partitions)
            if given.layout:
                _run(Path(folder), ["-c", MIGRATE, dsn, str(given.layout)])
            else:
                told = _run(Path(folder), [str(HERE / "contents.py"), json.dumps(config)])
                (HERE / f"{given.name}.json").write_text(told + "\n", encoding="utf-8")
            text = _dump(server, server.database(dsn.rpartition("/")[2]))
    header = f"-- Made by make.py with the code of commit {given.commit}.\n"
    (HERE / f"{given.name}.sql").write_text(header + text, encoding="utf-8")


def _check_out(commit: str, folder: Path) -> None:
    paths = ["src", "plugins/polystore-postgres/src"]
    archive = ["git", "-C", str(ROOT), "archive", commit, *paths]
    packed = subprocess.run(archive, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], check=True, input=packed)  # noqa: S607


def _run(folder: Path, program: list[str]) -> str:
    sources = [folder / "src", folder / "plugins/polystore-postgres/src"]
    argv = [sys.executable, *program]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources))}
    return subprocess.run(
        argv, check=True, env=environment, stdout=subprocess.PIPE, text=True
    ).stdout


def _dump(server: PostgresServer, dsn: str) -> str:
    argv = [str(binaries() / "pg_dump"), "--inserts", "--no-owner", "--no-privileges"]
    argv += ["--no-comments", "--schema=polystore", dsn]
    environment = os.environ | {"PGPASSWORD": server.password}
    text = subprocess.run(argv, check=True, env=environment, capture_output=True, text=True).stdout
    # What only psql understands, what only the newest servers know, and what says nothing.
    left_out = ("\\", "SET transaction_timeout", "--")
    lines = [line for line in text.splitlines() if line and not line.startswith(left_out)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
