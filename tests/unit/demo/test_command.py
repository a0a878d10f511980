"""The command as a user runs it, and what it prints."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from unit.demo.helpers import write

from polystore.cli.app import run
from polystore.cli.demo_output import Output
from polystore.demo.answer import Answer, Behind, Found, Relation
from polystore.demo.records import LoadReport, Problem

if TYPE_CHECKING:
    from pathlib import Path

FILES: dict[str, str | bytes] = {
    "read.md": "# Install\nInstall it with pip and begin.",
    "pack.py": '"""Packing."""\nimport zlib\ndef pack(data): "Compress bytes of data."',
    "bad.py": "def",
}
HOSTILE = "evil \x1b[31m[red]name[/red]\n\r\x07 \u202e \ud800"


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Arguments for a folder and a configuration of the test's own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, FILES)
    config = tmp_path / "polystore.yaml"
    config.write_text("backends:\n  main: {use: memory}\n")
    return ["demo", "--config", str(config), "--path", str(folder)]


def test_loads_and_answers(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments, "--ask", "compress bytes", "--ask", "how do I install it"]) == 0
    out = capsys.readouterr().out
    assert "3 files loaded" in out
    assert "1 passed over:" in out
    assert "bad.py: SyntaxError" in out
    assert re.search(r"chunks +vector +main +3 ", out)
    assert "pack.pack(data)" in out
    assert "imports zlib" in out
    assert "read.md" in out
    assert "\x1b" not in out
    assert "\r" not in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_default_questions_and_options(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--workspace", "mine", "--kind", "section", "--top", "1", "--skip", "bad.py"]
    assert run([*arguments, *options]) == 0
    out = capsys.readouterr().out
    assert "workspace mine" in out
    assert "passed over" not in out
    assert out.count("hybrid search") == 3


def test_errors_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments[:-1], "absent"]) == 1
    captured = capsys.readouterr()
    assert "absent is no folder" in captured.err
    assert "Traceback" not in captured.err


def test_what_is_missing_is_named(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_nothing(_name: str) -> None:
        """Stand for a Python without the extra."""

    monkeypatch.setattr("importlib.util.find_spec", find_nothing)
    assert run(arguments) == 1
    error = capsys.readouterr().err
    assert "wordllama" in error
    assert "pip install polystore-core[demo]" in error


def answer() -> Answer:
    hit = Found("class:x", HOSTILE, "class", HOSTILE, HOSTILE, 0.5, HOSTILE, 1)
    around = [Relation("class:x", "inherits from", [f"class:{HOSTILE}"] * 30)]
    return Answer(HOSTILE, "vector", [hit], around, [Behind(HOSTILE, HOSTILE, 0, 0, HOSTILE)], 0.1)


@pytest.mark.parametrize("terminal", [False, True])
def test_what_files_hold_cannot_steer_the_terminal(*, terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, color_system=None)
    output = Output(console)
    output.answer(answer())
    problems = [Problem(HOSTILE, HOSTILE)] * 12
    with output.progress() as progress:
        progress.stage("load", 1)
        progress.advance(1)
    output._problems(LoadReport(problems=problems))  # pyright: ignore[reportPrivateUsage]
    text = stream.getvalue()
    assert "[red]name[/red]" in text
    assert "\x1b[31m" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "no text search, so by vectors only" in " ".join(text.split())
    assert "and 20 more" in text
    assert "and 2 more" in text
    assert ("\x1b" in text) == terminal
