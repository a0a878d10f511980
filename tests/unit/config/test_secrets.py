"""Secrets are read from where a configuration points, and shown nowhere."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from polystore.config import BackendConfig, load_config, validate_backend
from polystore.config.redaction import redact
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.config import PolystoreConfig


class Careless(BackendConfig):
    dsn: SecretStr | None = None
    url: str = ""
    port: int = 0


def test_secret_from_a_variable(engine: Callable[..., Any]) -> None:
    settings = engine(
        "password: {env: PW}, passwords: {a: {env: PW}, b: plain}, ssl: {key_password: {env: PW}}",
        PW="  ${X} hunter2\n",
    )
    assert settings.password.get_secret_value() == "  ${X} hunter2\n"
    assert settings.passwords["a"].get_secret_value() == "  ${X} hunter2\n"
    assert settings.passwords["b"].get_secret_value() == "plain"
    assert settings.ssl.key_password.get_secret_value() == "  ${X} hunter2\n"
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("held", "expected"),
    [(b"pw", "pw"), (b"pw\n", "pw"), (b"pw\r\n", "pw"), (b"pw\n\n", "pw\n"), (b" pw ", " pw "),
     ("\ufeffpä\n".encode(), "pä"), (b"", ""), (b"${HOME}", "${HOME}"), (b"a: [", "a: [")],
)  # fmt: skip
def test_secret_from_a_file(engine: Callable[..., Any], held: bytes, expected: str) -> None:
    Path("sub").mkdir()
    Path("sub/pw").write_bytes(held)
    assert engine("password: {file: sub/pw}").password.get_secret_value() == expected
    absolute = Path("sub/pw").resolve()
    assert engine(f"password: {{file: '{absolute}'}}").password.get_secret_value() == expected
    settings = engine("password: {file: '${DIR}/pw'}", DIR="sub")
    assert settings.password.get_secret_value() == expected


def test_files_are_relative_to_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pw").write_text("x")
    file = tmp_path / "etc/polystore.yaml"
    file.write_text("backends: {main: {use: engine, dsn: {file: pw}}}")
    monkeypatch.chdir(tmp_path)
    config = load_config("etc/polystore.yaml")
    assert config.source == file
    assert config.base_dir == file.parent
    dsn = validate_backend(config, "main", Careless).dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "x"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{env: NOT_SET}", ": the environment variable NOT_SET is not set; set it"),
        ("{file: missing}", ": the file missing cannot be read: No such file or directory"),
        ("{file: .}", ": the file . cannot be read: Is a directory"),
        ("{file: binary}", ": the file binary cannot be read: it is not UTF-8"),
        ("{file: large}", ": the file large cannot be read: it has more than 65536 bytes"),
        ("{file: '${WHERE}'}", ": the file named here cannot be read: No such file or directory"),
        ("{env: '${WHERE}'}", ": the environment variable named here is not set; set it"),
        ('{file: "a\\0b"}', None),
        ("{env: A, file: b}", " takes one of {env: NAME} and {file: PATH}"),
        ("{}", " takes one of {env: NAME} and {file: PATH}"),
        ("{evn: A}", ".evn is not known; did you mean env?"),
        ("{env: 1}", ".env must be a text"),
        ("{env: }", ".env must be a text"),
        ("{file: [a]}", ".file must be a text"),
        ("1234", " must be a valid string; put it in quotes"),
        ("[a]", " must be a valid string"),
    ],
)
def test_unreadable_secrets(
    wrong: Callable[..., list[str]], write: Callable[[str], Path], value: str, expected: str | None
) -> None:
    write("")
    Path("binary").write_bytes(b"\xff\xfetop secret")
    Path("large").write_text("topsecret" * 10_000)
    text = f"backends:\n  main:\n    use: engine\n    password: {value}\n"
    (line,) = wrong(text, WHERE="top/secret")
    prefix = "polystore.yaml:4: backends.main.password"
    assert line == prefix + expected if expected else line.startswith(prefix)
    assert "secret" not in line.replace("password", "")


def test_references_stand_only_where_secrets_do(wrong: Callable[..., list[str]]) -> None:
    (line,) = wrong("backends: {main: {use: engine, user: {env: PW}}}", PW="hunter2")
    assert line == "polystore.yaml:1: backends.main.user must be a valid string"


def everything_shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


@pytest.mark.parametrize(
    "body",
    ["dsn: '${DSN}'", "dsn: {env: DSN}", "dsn: {file: dsn}", "dsn: 'forbidden://me:hunter2@x/y'"],
)
def test_a_careless_validator_does_not_leak(engine: Callable[..., Any], body: str) -> None:
    dsn = "forbidden://me:hunter2@x/y"
    Path("dsn").write_text(dsn)
    with pytest.raises(ConfigError) as caught:
        engine(body, DSN=dsn)
    assert str(caught.value).startswith("polystore.yaml:2: backends.main: cannot connect to ***")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "body",
    ["port: '${S}'", "ratio: '${S}'", "embedded: '${S}'", "ssl: '${S}'", "timeout: '${S}'",
     "schema: '${S}'", "pool: '${S}'", "pool: {max: '${S}'}", "user: 'guest${S}'",
     "hosts: '${S}'", "hosts: [{a: '${S}'}]", "ssl: {mode: '${S}'}", "bogus: '${S}'",
     "passwords: '${S}'", "password: ['${S}']", "dsn: {env: '${S}'}", "dsn: {file: '${S}'}"],
)  # fmt: skip
def test_substituted_values_are_never_shown(engine: Callable[..., Any], body: str) -> None:
    with pytest.raises(ConfigError) as caught:
        engine(body, S="hunter2")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).startswith("polystore.yaml:2: backends.main.")
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize(
    "text",
    ["workspace: '${S}${NUL}'", "tenancy: '${S}'", "defaults: {kv: '${S}'}", "strict: '${S}'",
     "require: {a: ['${S}']}", "stores: {a: {kind: '${S}'}}", "backends: {a: '${S}'}",
     "stores: {a: {kind: kv, ttl: '${S}'}}", "stores: {a: {kind: kv, backend: '${S}'}}",
     "stores: {a: {kind: doc, indexes: ['${S}..']}}", "stores: {a: '${S}'}", "include: '${S}'"],
)  # fmt: skip
def test_substituted_values_are_never_shown_elsewhere(
    load: Callable[..., PolystoreConfig], text: str
) -> None:
    backends = "" if "backends:" in text else "\nbackends: {main: {use: engine}}"
    with pytest.raises(ConfigError) as caught:
        load(text + backends, S="hunter2", NUL="\0")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).splitlines()[-1].startswith("polystore.yaml:1: ")


def test_reprs_show_no_settings(load: Callable[..., PolystoreConfig]) -> None:
    config = load("backends: {main: {use: x, url: 'u:hunter2@h', dsn: '${S}'}}", S="hunter2")
    assert config.backends["main"].settings["dsn"] == "hunter2"
    shown = f"{config!r} {config} {config.backends!r} {config.backends['main'].origin!r}"
    settings = validate_backend(config, "main", Careless)
    assert "hunter2" not in f"{shown} {settings!r} {settings}"
    assert "hunter2" not in config.model_dump_json(exclude={"backends"})


@given(
    st.text("abcXYZ012%+-_.~!é", min_size=1, max_size=12),
    st.text("abc", min_size=1, max_size=5),
    st.sampled_from(["{s}", "{p!r}", "host {h}, password {p}", "<{p}>", "{u}"]),
)
def test_redaction(password: str, user: str, form: str) -> None:
    secret = f"postgresql://{user}:{password}@db.example/name?x=y"
    message = form.format(s=secret, p=password, h="db.example", u=secret.upper())
    around = form.format(s="", p="", h="", u="")
    assume(password.casefold() not in around)
    assert password not in redact(message, [secret])


def test_an_empty_secret_masks_nothing() -> None:
    assert redact("a message", ["", "://", "x="]) == "a message"


def test_secrets_in_code() -> None:
    written = {"backends": {"main": {"use": "engine", "dsn": SecretStr("forbidden")}}}
    config = load_config(written)
    dsn = validate_backend(config, "main", Careless).dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "forbidden"
