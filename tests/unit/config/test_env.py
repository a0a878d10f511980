"""`${NAME}`: after parsing, in values only, as text only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polystore.config.env import has_reference, substitute

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.config import PolystoreConfig

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
pieces = st.text(max_size=12).filter(lambda text: "${" not in text and not text.endswith("$"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("$A", "$A"), ("$", "$"), ("$$", "$$"), ("{A}", "{A}"), ("${A}", "1"),
     ("<${A}>", "<1>"), ("${A}${A}", "11"), ("$${A}", "${A}"), ("$$${A}", "$${A}"),
     ("$${A}${A}", "${A}1"), ("${B:-x}", "x"), ("${A:-x}", "1"), ("${B:-}", ""),
     ("${B:-a:-b}", "a:-b"), ("${B:-{}}", "{}"), ("${E}", ""), ("${E:-x}", "x"),
     ("${B:-a b\n'\"}", "a b\n'\""), ("${R}", "${A}"), ("${B:-$A}", "$A"), ("a$${", "a${")],
)  # fmt: skip
def test_forms(text: str, expected: str) -> None:
    assert substitute(text, {"A": "1", "E": "", "R": "${A}"}) == expected


@pytest.mark.parametrize(
    "text",
    ["${", "${}", "${A", "${ A}", "${A }", "${A-b}", "${A:b}", "${A:?b}", "${1A}", "${é}",
     "${A.B}", "${:-x}", "${A:-${B}}", "${A:-x", "x${", "${A\n}"],
)  # fmt: skip
def test_malformed(text: str) -> None:
    with pytest.raises(ValueError, match="NAME"):
        substitute(text, {"A": "secret"})


def test_missing_variable_is_named() -> None:
    with pytest.raises(ValueError, match="the environment variable POSTGRES_DSN is not set"):
        substitute("${POSTGRES_DSN}", {"POSTGRES": "x"})


@given(st.text())
@example("$${}")
def test_escaping_brings_back_any_text(text: str) -> None:
    escaped = text.replace("${", "$${")
    if "$${" not in text:
        assert substitute(escaped, {}) == text
    assert not has_reference(escaped)


@given(pieces, names, st.text(), pieces)
def test_only_the_reference_changes(before: str, name: str, held: str, after: str) -> None:
    text = f"{before}${{{name}}}{after}"
    assert substitute(text, {name: held}) == f"{before}{held}{after}"
    assert has_reference(text)


@given(names, st.text().filter(lambda text: "}" not in text and "${" not in text))
def test_any_default(name: str, default: str) -> None:
    assert substitute(f"${{{name}:-{default}}}", {}) == default


@given(st.text("${}:-A", max_size=30))
def test_never_anything_but_a_text_or_a_value_error(text: str) -> None:
    try:
        result = substitute(text, {"A": "1"})
    except ValueError:
        assert "${" in text
    else:
        assert has_reference(text) or result == text.replace("$${", "${")


@pytest.mark.parametrize(
    "held", ["no", "{a: b}", "[1]", "&a *a", "a: b", "# x", "!!int 1", "'", '"', "\n- x\n", " ~ "]
)
def test_the_environment_is_never_read_as_yaml(engine: Callable[..., Any], held: str) -> None:
    assert engine("user: '<${HELD}>', hosts: ['${HELD}']", HELD=held).user == f"<{held}>"
    assert engine("user: '<${HELD}>', hosts: ['${HELD}']", HELD=held).hosts == [held]


def test_typed_values_from_the_environment(engine: Callable[..., Any]) -> None:
    settings = engine(
        "port: '${PORT}', ratio: \"${RATIO}\", embedded: '${ON}', timeout: '${T:-1m}', "
        "pool: {max: '${MAX:-20}'}, ssl: '${SSL}', schema: '${SCHEMA:-check}'",
        PORT="6543", RATIO="1e-1", ON="true", SSL="disable",
    )  # fmt: skip
    assert (settings.port, settings.ratio, settings.embedded) == (6543, 0.1, True)
    assert (settings.timeout, settings.pool.max, settings.ssl) == (60.0, 20, "disable")
    assert settings.schema_ == "check"


def test_plain_reference_in_a_block(load: Callable[..., PolystoreConfig]) -> None:
    config = load("workspace: ${WS:-acme}\nbackends:\n  m:\n    use: ${USE}\n", USE="engine")
    assert config.workspace == "acme"
    assert config.backends["m"].use == "engine"


def test_keys_are_not_substituted(wrong: Callable[..., list[str]]) -> None:
    (line,) = wrong("backends: {main: {use: engine, '${KEY}': 1}}\n", KEY="port")
    assert line.startswith("polystore.yaml:1: backends.main.'${KEY}' is not known")


def test_every_missing_variable_is_told(wrong: Callable[..., list[str]]) -> None:
    text = """\
workspace: ${WS}
backends:
  main:
    use: engine
    dsn: ${DSN}
    hosts: [a, "${HOST}", "${"]
"""
    assert wrong(text) == [
        "polystore.yaml has 4 problems",
        "polystore.yaml:1: workspace: the environment variable WS is not set; set it, "
        "or write ${WS:-default}",
        "polystore.yaml:5: backends.main.dsn: the environment variable DSN is not set; set it, "
        "or write ${DSN:-default}",
        "polystore.yaml:6: backends.main.hosts[1]: the environment variable HOST is not set; "
        "set it, or write ${HOST:-default}",
        "polystore.yaml:6: backends.main.hosts[2]: a `${` is not followed by NAME} or "
        "NAME:-default}; write `$${` for the text itself",
    ]
