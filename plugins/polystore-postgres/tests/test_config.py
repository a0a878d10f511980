"""The block in the YAML file, and libpq's two forms of an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from polystore_postgres.config import PostgresConfig
from polystore_postgres.dsn import Target, parse_dsn

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def config(**settings: Any) -> PostgresConfig:
    return PostgresConfig.model_validate({"dsn": "postgresql://h/d"} | settings)


@given(user=TEXT, password=TEXT, database=TEXT)
def test_a_url_gives_back_what_was_put_in(user: str, password: str, database: str) -> None:
    parts = (quote(user, safe=""), quote(password, safe=""), quote(database, safe=""))
    target = parse_dsn("postgresql://{}:{}@host:7/{}".format(*parts))
    assert target.plain == {"user": user, "password": password}
    assert (target.hosts, target.ports, target.database) == (("host",), (7,), database)


@given(user=TEXT, password=TEXT, database=TEXT)
def test_keywords_give_back_what_was_put_in(user: str, password: str, database: str) -> None:
    def put(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    text = f"host=h user={put(user)} password = {put(password)}  dbname={put(database)} port=7"
    target = parse_dsn(text)
    assert target.plain == {"user": user, "password": password}
    assert (target.hosts, target.ports, target.database) == (("h",), (7,), database)


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://", Target()),
        ("postgres://h", Target(("h",))),
        ("postgresql://a,b:6000/d", Target(("a", "b"), (5432, 6000), "d")),
        ("postgresql://[::1]:6/d", Target(("::1",), (6,), "d")),
        ("postgresql://%2Ftmp%2Fs/d", Target(("/tmp/s",), (), "d")),  # noqa: S108
        ("postgresql:///d?host=/s&port=7", Target(("/s",), (7,), "d")),
        ("host=a,b port=1,2", Target(("a", "b"), (1, 2))),
        ("host=a,b port=1", Target(("a", "b"), (1,))),
        ("postgresql://h/d?connect_timeout=3", Target(("h",), (), "d", connect_timeout=3.0)),
        ("postgresql://h?work_mem=1MB", Target(("h",), settings={"work_mem": "1MB"})),
        ("postgresql://h?keepalives=1&gssencmode=disable", Target(("h",))),
        ("postgresql://h?sslmode=require", Target(("h",), sslmode="require")),
        ("", Target()),
    ],
)
def test_forms(dsn: str, expected: Target) -> None:
    assert parse_dsn(dsn) == expected


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:HIDDEN/x@h:5432/d", "postgresql://u:x@[HIDDEN/d", "mysql://u:HIDDEN@h/d",
        "postgresql://u:HIDDEN@h:HIDDEN/d", "postgresql://u:HIDDEN@h:0/d", "HIDDEN",
        "postgresql://u:HIDDEN@h:70000", "host=h password='HIDDEN", "host=a,b,c port=1,2",
        "postgresql://h/d?HIDDEN", "postgresql://h?channel_binding=require&password=HIDDEN",
        "host=h port=HIDDEN", "host=h connect_timeout=HIDDEN", "postgresql://h?sslmode=HIDDEN",
    ],
)  # fmt: skip
def test_refused_addresses_are_not_repeated(dsn: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(dsn=dsn)
    assert "HIDDEN" not in str(caught.value)


def test_nothing_secret_is_shown() -> None:
    made = config(
        dsn="postgresql://u:HIDDEN@h/d", admin_dsn="host=h password=HIDDEN2", ssl={}, pgbouncer=True
    )
    assert "HIDDEN" not in repr(made) + str(made) + repr(made.target()) + made.model_dump_json()
    assert set(made.secrets()) == {"HIDDEN", "HIDDEN2"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedded": True}, "not both"),
        ({"dsn": None}, "give a dsn, or embedded"),
        ({"pool": {"min": 5, "max": 4}}, "greater than max"),
        ({"pool": {"max": 0}}, "greater than or equal"),
        ({"pool": {"size": 3}}, "Extra inputs"),
        ({"pool": {"acquire_timeout": "soon"}}, "duration"),
        ({"namespace": ""}, "1 to 63 bytes"),
        ({"namespace": "é" * 32}, "1 to 63 bytes"),
        ({"namespace": "pg_mine"}, "reserved"),
        ({"ssl": {"mode": "verify"}}, "verify-full"),
        ({"ssl": {"mode": "verify-full", "root_cert": "missing.pem"}}, "cannot be read"),
        ({"ssl": {"mode": "prefer", "root_cert": __file__}}, "checks no certificate"),
        ({"ssl": {"root_cert": __file__}}, "no effect without a mode"),
        ({"ssl": {"mode": "require", "key": __file__}}, "needs cert"),
        ({"dsn": None, "embedded": True, "ssl": {"mode": "require"}}, "make no sense"),
    ],
)
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(**settings)


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    block = {"dsn": "postgresql://h", "ssl": {"mode": "verify-full", "root_cert": "ca.pem"}}
    made = PostgresConfig.model_validate(block, context={"base_dir": tmp_path})
    assert made.ssl.root_cert == tmp_path / "ca.pem"
    embedded = PostgresConfig.model_validate({"embedded": True}, context={"base_dir": tmp_path})
    assert embedded.path == tmp_path / ".polystore"
    assert PostgresConfig.model_validate({"embedded": True}).path == Path.cwd() / ".polystore"


def test_durations() -> None:
    pool = config(pool={"acquire_timeout": "500ms", "command_timeout": "PT2M"}).pool
    assert (pool.acquire_timeout, pool.command_timeout) == (0.5, 120)
