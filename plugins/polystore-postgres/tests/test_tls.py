"""The six ssl modes and the files, against a server with TLS and one without."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from servers.certificates import KEY_PASSWORD, Certificates
from servers.postgres import debian_binaries, postgres_server

from polystore.errors import ConfigError, ConnectionFailed, PolystoreError
from polystore_postgres.config import PostgresConfig
from polystore_postgres.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from servers.postgres import PostgresServer

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(autouse=True)
def no_files_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have certificates in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL"):
        monkeypatch.delenv(name, raising=False)


async def encrypted(dsn: str, **ssl: Any) -> bool:
    """Connect and return whether with TLS."""
    settings = {"dsn": dsn, "ssl": ssl, "connect": {"retries": 0}}
    pool = await Pool.open(PostgresConfig.model_validate(settings), backend="main")
    try:
        return bool(await pool.fetchval(ENCRYPTED))
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("mode", "expected"),
    list(zip(MODES, (False, False, True, True, True, True), strict=True)),
)
async def test_modes_with_tls(
    debian_server: PostgresServer, certificates: Certificates, mode: str, expected: bool
) -> None:
    files = {"root_cert": certificates.path("ca.pem")} if mode in MODES[3:] else {}
    assert await encrypted(debian_server.at("localhost"), mode=mode, **files) is expected
    in_dsn = debian_server.at("localhost") + f"?sslmode={mode}"
    if files:
        in_dsn += f"&sslrootcert={files['root_cert']}"
    assert await encrypted(in_dsn) is expected


@pytest.mark.parametrize("mode", MODES)
async def test_modes_without_tls(
    postgres_server: PostgresServer, certificates: Certificates, mode: str
) -> None:
    if mode in MODES[:3]:
        assert await encrypted(postgres_server.dsn, mode=mode) is False
        return
    with pytest.raises(ConnectionFailed, match="no TLS") as caught:
        await encrypted(postgres_server.dsn, mode=mode, root_cert=certificates.path("ca.pem"))
    assert not caught.value.retryable


@pytest.fixture(scope="module")
def bad_servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, PostgresServer]]:
    """Servers whose certificates are wrong; what to trust for each is in TRUSTED."""
    with contextlib.ExitStack() as stack:
        started: dict[str, PostgresServer] = {}
        for case in ("expired", "self_signed"):
            folder = tmp_path_factory.mktemp(case)
            made = Certificates.create(folder, host="localhost", client="c", **{case: True})
            started[case] = stack.enter_context(postgres_server(debian_binaries(), tls=made))
            TRUSTED[case] = made.path("ca.pem")
        yield started


TRUSTED: dict[str, str] = {}
REFUSED = {
    "good": (),
    "wrong_name": ("verify-full",),
    "expired": ("require", "verify-ca", "verify-full"),
    "self_signed": ("require", "verify-ca", "verify-full"),
    "revoked": ("require", "verify-ca", "verify-full"),
}
"""The modes, given a root certificate where they take one, that refuse each certificate."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", REFUSED)
async def test_every_mode_with_every_certificate(
    debian_server: PostgresServer,
    certificates: Certificates,
    bad_servers: dict[str, PostgresServer],
    case: str,
    mode: str,
) -> None:
    server = bad_servers.get(case, debian_server)
    files: dict[str, str] = {}
    if mode in MODES[3:]:
        files["root_cert"] = TRUSTED.get(case, certificates.path("ca.pem"))
        if case == "revoked":
            files["crl"] = certificates.path("revoked.pem")
    dsn = server.at("127.0.0.1" if case == "wrong_name" else "localhost")
    if mode not in REFUSED[case]:
        assert await encrypted(dsn, mode=mode, **files) is (mode not in MODES[:2])
        return
    with pytest.raises(ConnectionFailed, match="certificate is not accepted") as caught:
        await encrypted(dsn, mode=mode, **files)
    assert not caught.value.retryable


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_list_of_revoked_certificates(
    debian_server: PostgresServer, certificates: Certificates, tmp_path: Path, mode: str
) -> None:
    """A list that revokes another certificate lets this one in; what is no list is an error."""
    files = {"mode": mode, "root_cert": certificates.path("ca.pem")}
    other = Certificates.create(tmp_path, host="localhost", client="c")
    with pytest.raises(ConnectionFailed, match="certificate is not accepted"):
        # The list of another authority says nothing of this one's, so nothing is known.
        await encrypted(debian_server.at("localhost"), **files, crl=other.path("revoked.pem"))
    (tmp_path / "none.pem").write_text("no list")
    with pytest.raises(PolystoreError):
        await encrypted(debian_server.at("localhost"), **files, crl=str(tmp_path / "none.pem"))
    with pytest.raises(ValidationError, match="crl"):
        await encrypted(debian_server.at("localhost"), **files, crl=str(tmp_path / "missing.pem"))


async def test_allow_and_prefer_try_the_other_way(debian_server: PostgresServer) -> None:
    for user, expected in (("only_tls", True), ("only_plain", False)):
        dsn = debian_server.at("localhost", user=user, password=f"secret-of-{user}")
        assert await encrypted(dsn, mode="allow") is expected
        assert await encrypted(dsn, mode="prefer") is expected
        wrong = "disable" if expected else "require"
        with pytest.raises(ConnectionFailed, match=r"pg_hba.conf"):
            await encrypted(dsn, mode=wrong)


async def test_a_wrong_name(debian_server: PostgresServer, certificates: Certificates) -> None:
    dsn = debian_server.at("127.0.0.1")
    trusted = certificates.path("ca.pem")
    assert await encrypted(dsn, mode="require")
    assert await encrypted(dsn, mode="verify-ca", root_cert=trusted)
    with pytest.raises(ConnectionFailed, match="certificate is not accepted") as caught:
        await encrypted(dsn, mode="verify-full", root_cert=trusted)
    assert not caught.value.retryable


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_an_authority_that_is_not_trusted(
    debian_server: PostgresServer, certificates: Certificates, mode: str
) -> None:
    """With a root certificate even `require` checks it, as libpq does."""
    stranger = certificates.path("stranger.pem")
    with pytest.raises(ConnectionFailed, match="certificate is not accepted"):
        await encrypted(debian_server.at("localhost"), mode=mode, root_cert=stranger)


async def test_a_revoked_certificate(
    debian_server: PostgresServer, certificates: Certificates
) -> None:
    files = {"root_cert": certificates.path("ca.pem"), "crl": certificates.path("revoked.pem")}
    with pytest.raises(ConnectionFailed, match="revoked"):
        await encrypted(debian_server.at("localhost"), mode="verify-full", **files)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_verification_without_a_root_certificate(
    debian_server: PostgresServer, mode: str
) -> None:
    with pytest.raises(ConfigError, match=r"root certificate file.*root.crt"):
        await encrypted(debian_server.at("localhost"), mode=mode)


async def test_client_certificates(
    debian_server: PostgresServer, certificates: Certificates
) -> None:
    dsn = debian_server.at("localhost", user="certified", password="un" + "used")
    root = {"mode": "verify-full", "root_cert": certificates.path("ca.pem")}
    client = {"cert": certificates.path("client.pem"), "key": certificates.path("client.key")}
    assert await encrypted(dsn, **root, **client)
    locked = client | {"key": certificates.path("locked.key")}
    assert await encrypted(dsn, **root, **locked, key_password=KEY_PASSWORD)
    with pytest.raises(ConnectionFailed):
        await encrypted(dsn, **root)
    with pytest.raises(PolystoreError) as caught:
        await encrypted(dsn, **root, **locked, key_password="wrong-" + KEY_PASSWORD)
    assert KEY_PASSWORD not in str(caught.value)
    foreign = client | {"key": certificates.path("server.key")}
    with pytest.raises(ConnectionFailed, match="TLS failed"):
        await encrypted(dsn, **root, **foreign)


async def test_a_file_that_is_no_certificate(debian_server: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(ConnectionFailed, match="TLS failed"):
        await encrypted(
            debian_server.at("localhost"), mode="verify-full", root_cert=tmp_path / "ca.pem"
        )
