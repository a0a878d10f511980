"""YAML by 1.2 rules: what comes out, what is refused, and that every refusal says where."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.config.limits import MAX_DEPTH
from polystore.config.yaml_file import parse_yaml
from polystore.errors import ConfigError


def value(text: str) -> object:
    return parse_yaml(f"a: {text}\n", "f.yaml").data["a"]


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value).startswith("f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["no", "No", "NO", "yes", "on", "off", "y", "n", "2026-01-01", "12:30:45", "1_000", "0b11",
     "017x", "0o8", "0xg", "1e", "e5", ".", "-", "+", "nULL", "tRUE", "1.2.3", "=", "0x", "0o",
     "-0x1", "\u0663", "\uff11\uff12", "inf", "nan", "-.nan", "+.nan"],
)  # fmt: skip
def test_texts(text: str) -> None:
    assert value(f"'{text}'") == text
    if text != "-":  # plain, that begins a list
        assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("true", True),
     ("True", True), ("FALSE", False), ("0", 0), ("-7", -7), ("+7", 7), ("017", 17),
     ("0o17", 15), ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0),
     ("-1.5E-2", -0.015), (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf),
     ("1e999", math.inf), ("!!str 12", "12"), ("!!str", ""), ("! 12", "12"), ("!!int 12", 12),
     ("!!float 12", 12.0), ("!!null ~", None), ("!!bool true", True), ("'12'", "12"),
     ('"\\u00e9\\n"', "é\n"), ("!!int '0x1f'", 31), ("!!seq [a]", ["a"]), ("!!map {}", {})],
)  # fmt: skip
def test_values(text: str, expected: object) -> None:
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


def test_not_a_number() -> None:
    assert str(value(".nan")) == "nan"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "~", "{}", "\ufeff"])
def test_empty(text: str) -> None:
    assert parse_yaml(text, "f.yaml").data == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a is given twice, first at line 1"),
        ("x:\n  a: 1\n  'a': 2\n", "f.yaml:3: x.a is given twice, first at line 2"),
        ("x: [{a: 1, a: 1}]\n", "f.yaml:1: x[0].a is given twice, first at line 1"),
        ("1: a\n", "f.yaml:1: a key is not a text: 1; put it in quotes"),
        ("x:\n  true: a\n", "f.yaml:2: a key of x is not a text: true; put it in quotes"),
        ("x: {? [a] : b}\n", "f.yaml:1: a key of x is not a text"),
        ("x: {? {a: b} : c}\n", "f.yaml:1: a key of x is not a text"),
        (": b\n", "f.yaml:1: a key is not a text; it is empty"),
        ("- a\n", "f.yaml:1: the top level must be a mapping of keys to values"),
        ("just text\n", "f.yaml:1: the top level must be a mapping of keys to values"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins; put all into one"),
        ("a: *b\n", "f.yaml:1:4: the alias *b refers to no anchor above it"),
        ("a: &x [*x]\n", "f.yaml:1:8: the alias *x lies inside what it refers to"),
        ("a: &x {b: {c: *x}}\n", "f.yaml:1:15: the alias *x lies inside what it refers to"),
        ("a: !!python/object:os.system x\n",
         "f.yaml:1: a: the tag !!python/object:os.system is not allowed; remove it"),
        ("a: !!python/object/apply:os.system [x]\n",
         "f.yaml:1:4: the tag !!python/object/apply:os.system is not allowed; remove it"),
        ("a: !mine {}\n", "f.yaml:1:4: the tag !mine is not allowed; remove it"),
        ("a: !!binary aGk=\n", "f.yaml:1: a: the tag !!binary is not allowed; remove it"),
        ("a: !!set {x}\n", "f.yaml:1:4: the tag !!set is not allowed; remove it"),
        ("a: !!timestamp 2026-01-01\n",
         "f.yaml:1: a: the tag !!timestamp is not allowed; remove it"),
        ("a: !!int x\n", "f.yaml:1: a: the text does not fit its tag !!int"),
        ("a: !!bool no\n", "f.yaml:1: a: the text does not fit its tag !!bool"),
        ("<<: 1\n", "f.yaml:1: `<<` takes a mapping or a list of mappings"),
        ("<<: {}\n<<: {}\n", "f.yaml:2: `<<` is given twice; give it one list"),
    ],
)  # fmt: skip
def test_refusals(text: str, expected: str) -> None:
    assert refusal(text) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: 1\n\tb: 2\n", "f.yaml:2:"), ("\ta: 1\n", "f.yaml:1:1:"), ("a: [1\nb: 2\n", "f.yaml:2:"),
     ("a: 'x\n", "f.yaml:"), ("a: {\n", "f.yaml:"), ("a: b: c\n", "f.yaml:1:5:"),
     ("a: @x\n", "f.yaml:1:4:"), ("a: `x`\n", "f.yaml:1:4:"), ("a:\n b: 1\n  c: 2\n", "f.yaml:3:"),
     ("a: \x01\n", "f.yaml"), ("%FOO\na", "f.yaml"), ("a: \"\\q\"\n", "f.yaml:1:"),
     ("a: !<tag:x y\n", "f.yaml:1:"), ("&a &b c: d\n", "f.yaml:1:")],
)  # fmt: skip
def test_syntax_errors_have_line_and_column(text: str, place: str) -> None:
    message = refusal(text)
    assert message.startswith(place)
    assert "not valid YAML" in message


def test_several_problems_are_all_told() -> None:
    assert refusal("a: 1\na: 2\n3: 4\nb: {c: 1, c: 2}\n").splitlines() == [
        "f.yaml has 3 problems",
        "f.yaml:2: a is given twice, first at line 1",
        "f.yaml:3: a key is not a text: 3; put it in quotes",
        "f.yaml:4: b.c is given twice, first at line 4",
    ]


def test_merge() -> None:
    text = """
base: &base {min: 1, max: 2}
more: &more {max: 3, extra: 4}
one: {max: 9, <<: *base}
two:
  <<: [*base, *more]
  min: 7
quoted: {"<<": 1}
"""
    parsed = parse_yaml(text, "f.yaml")
    assert parsed.data["one"] == {"min": 1, "max": 9}
    assert parsed.data["two"] == {"min": 7, "max": 2, "extra": 4}
    assert parsed.data["quoted"] == {"<<": 1}
    assert parsed.lines["two", "extra"] == 3  # where the key stands, not where it is merged


def test_aliases_and_redefined_anchors() -> None:
    parsed = parse_yaml("a: &x [1, 2]\nb: *x\nc: &x hello\nd: *x\n", "f.yaml")
    assert parsed.data == {"a": [1, 2], "b": [1, 2], "c": "hello", "d": "hello"}


@pytest.mark.parametrize("form", ["[{}]", "{{a: {}}}"])
def test_depth_is_bounded(form: str) -> None:
    opening, closing = form.split("{}") if form[0] == "[" else ("{a: ", "}")
    fine, deep = (f"a: {opening * n}{closing * n}\n" for n in (MAX_DEPTH - 2, 5_000))
    assert parse_yaml(fine, "f.yaml").data
    assert "nested deeper than 64 levels" in refusal(deep)


@pytest.mark.parametrize("kind", ["list", "mapping", "merge"])
def test_billion_laughs(kind: str) -> None:
    forms = {"list": "[{}]", "mapping": "{{{}}}", "merge": "{{<<: [{}]}}"}
    lines = ["a0: &a0 {k0: 1, k1: 2}" if kind == "merge" else "a0: &a0 x"]
    for i in range(1, 60):
        names = [f"*a{i - 1}"] * 10
        if kind == "mapping":
            names = [f"k{n}: {name}" for n, name in enumerate(names)]
        lines.append(f"a{i}: &a{i} " + forms[kind].format(", ".join(names)))
    text = "\n".join(lines) + "\n"
    if kind == "merge":  # keys are merged, so nothing grows
        assert parse_yaml(text, "f.yaml").data["a59"] == {"k0": 1, "k1": 2}
    else:
        assert "more than 100000 values, with aliases expanded" in refusal(text)


def test_long_integer() -> None:
    assert "too long" in refusal(f"a: {'9' * 5000}\n")


def test_lines() -> None:
    lines = parse_yaml("a:\n  b: 1\n  c:\n    - x\n\n    - {d: 1}\ne: 2\n", "f.yaml").lines
    assert lines == {
        ("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 4, ("a", "c", 1): 6,
        ("a", "c", 1, "d"): 6, ("e",): 7,
    }  # fmt: skip


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    # YAML knows neither control characters nor these two.
    | st.text(
        st.characters(
            codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"
        )
    ),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abcxyz.- é:#'\"{}[]&*!|>%@`", max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text("abc", min_size=1), json_values, max_size=5))
def test_json_is_yaml(data: dict[str, object]) -> None:
    text = json.dumps(data, ensure_ascii=False)
    assert parse_yaml(text, "f.yaml").data == data


def parsed_or_refused(text: str) -> dict[str, Any] | str:
    try:
        return parse_yaml(text, "f.yaml").data
    except ConfigError as error:
        return str(error)


@given(st.text(max_size=60) | st.text("ab:-?[]{}&*!|>'\"%@`#,~<\n \t", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    outcome = parsed_or_refused(text)
    if isinstance(outcome, str):
        assert outcome.startswith("f.yaml")
    else:
        assert all(type(key) is str for key in outcome)


def test_a_version_directive_changes_nothing() -> None:
    assert parse_yaml("%YAML 1.1\n---\na: no\nb: 017\n", "f.yaml").data == {"a": "no", "b": 17}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    text = end.join(["# comment", "a:", "  b: |", "    x", "    y", "c: 1", "c: 2", ""])
    assert refusal(text) == "f.yaml:7: c is given twice, first at line 6"
    parsed = parse_yaml(text.replace("c: 2", "d: 2"), "f.yaml")
    assert parsed.data["a"] == {"b": "x\ny\n"}


@pytest.mark.parametrize("form", ["a: 'hunter2\n", "a: [hunter2\nb: 1\n", 'a: "hunter2\\q"\n',
                                  "a: hunter2: x\n", "a: !!int hunter2\n", "a: @hunter2\n",
                                  "a: {b: hunter2\n", "  a: hunter2\n b: 1\n"])  # fmt: skip
def test_syntax_errors_show_no_values(form: str) -> None:
    assert "hunter2" not in refusal(form)
