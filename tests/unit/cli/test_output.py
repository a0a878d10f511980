"""What is printed, character by character."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.cli import output
from polystore.errors import ConfigError, ConnectionFailed


@given(st.text())
def test_nothing_that_drives_a_terminal_is_visible(text: str) -> None:
    shown = output.visible(text)
    assert all(char.isprintable() for char in shown)
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (None, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (3000 * 2**40, "3000.0 TiB"),
    ],
)
def test_sizes(count: int | None, shown: str) -> None:
    assert output.size(count) == shown


def test_a_plain_table_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["a", "b"], [["long" * 60, "x"], ["", "two\nlines"]])
    assert capsys.readouterr().out.splitlines() == [
        "a" + " " * 241 + "b",
        "long" * 60 + "  x",
        " " * 242 + "two\\nlines",
    ]


def test_an_empty_table_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["a", "b"], [])
    assert capsys.readouterr().out == "a  b\n"


def test_an_error_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(ConnectionFailed("no answer", backend="main", store="cache", hint="Look at it"))
    output.error(ConfigError("one\ntwo"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "error: no answer (backend main, store cache)",
        "hint: Look at it",
        "error: one",
        "two",
    ]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("y\n", True), ("YES\n", True), (" y \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_only_yes_is_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, *, meant: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert output.confirmed("Really?") is meant
    assert capsys.readouterr() == ("", "Really? [y/N] ")
