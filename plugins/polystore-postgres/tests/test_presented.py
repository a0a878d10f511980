"""The certificate that a server presents, told by doctor whoever trusts it; and its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from servers.certificates import KEY_PASSWORD, Certificates
from servers.postgres import debian_binaries, postgres_server
from servers.process import free_port

import polystore
from polystore.health.presented import presented
from polystore_postgres.config import PostgresConfig

if TYPE_CHECKING:
    from pathlib import Path

    from servers.postgres import PostgresServer

    from polystore.types.reports import Finding


async def told(dsn: str, **block: Any) -> dict[str, Finding]:
    config = {"backends": {"main": {"use": "postgres", "dsn": dsn, **block}}}
    async with polystore.open(config, schema="off") as ps:
        return {finding.check: finding for finding in await ps.doctor()}


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-full"])
async def test_it_is_read_in_every_mode(
    debian_server: PostgresServer, certificates: Certificates, mode: str
) -> None:
    files = {"root_cert": certificates.path("ca.pem")} if mode == "verify-full" else {}
    found = await told(debian_server.at("localhost"), ssl={"mode": mode, **files})
    # It is good for a day, as all that the tests make are.
    assert found["server_certificate"].severity == "warning"
    assert f"localhost:{debian_server.port}" in found["server_certificate"].message
    assert "expires on" in found["server_certificate"].message
    assert found["clock"].severity == "ok"


async def test_a_server_or_a_block_without_tls_has_none(
    postgres_server: PostgresServer, debian_server: PostgresServer
) -> None:
    assert "server_certificate" not in await told(postgres_server.dsn)
    plain = await told(debian_server.at("localhost"), ssl={"mode": "disable"})
    assert "server_certificate" not in plain


@pytest.mark.parametrize("case", ["expired", "self_signed"])
async def test_one_that_nobody_should_trust_is_told_of(tmp_path: Path, case: str) -> None:
    made = Certificates.create(tmp_path, host="localhost", client="app", **{case: True})
    with postgres_server(debian_binaries(), tls=made) as server:
        found = await told(server.at("localhost"), ssl={"mode": "require"})
        severity = "error" if case == "expired" else "warning"
        assert found["server_certificate"].severity == severity
        assert ("has expired on" in found["server_certificate"].message) == (case == "expired")


async def test_the_ends_of_what_is_presented(
    debian_server: PostgresServer, certificates: Certificates
) -> None:
    files = {"cert": certificates.path("client.pem"), "key": certificates.path("locked.key")}
    block = {"dsn": debian_server.at("localhost"), "ssl": {**files, "key_password": KEY_PASSWORD}}
    addresses = PostgresConfig.model_validate(block).tls_addresses()
    for days, severity in ((-40, "ok"), (0, "warning"), (2, "error")):
        [finding] = await presented("main", addresses, datetime.now(UTC) + timedelta(days=days))
        assert finding.severity == severity
        assert KEY_PASSWORD not in f"{finding}{addresses}"


async def test_a_server_that_is_away_is_no_fault_of_its_certificate() -> None:
    # One of the hosts is a socket, where nobody speaks TLS.
    dsn = f"host=localhost,/run/postgresql port={free_port()} user=app"
    config = PostgresConfig.model_validate({"dsn": dsn})
    [finding] = await presented("main", config.tls_addresses())
    assert finding.severity == "info"
    assert "shows no certificate" in finding.message
