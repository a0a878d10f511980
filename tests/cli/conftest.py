"""Runs of the command line: in this process, and as the program that users start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from polystore.cli.app import run

PROGRAM = Path(sys.executable).parent / "polystore"


@dataclass(frozen=True)
class Result:
    """How a run ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Cli: TypeAlias = Callable[..., Result]
Configure: TypeAlias = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no configuration from outside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLYSTORE_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""
    assert folder.exists()

    def cli(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return cli


@pytest.fixture
def program(folder: Path) -> Cli:
    """Runs the installed program."""

    def program(*arguments: str, **environ: str) -> Result:
        done = subprocess.run(
            [PROGRAM, *arguments],
            capture_output=True,
            check=False,
            cwd=folder,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return program


@pytest.fixture
def configure(folder: Path) -> Configure:
    """Writes ./polystore.yaml."""

    def configure(text: str) -> Path:
        file = folder / "polystore.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return configure


@pytest.fixture
def shared(request: pytest.FixtureRequest, configure: Configure) -> dict[str, Any]:
    """A configuration on a memory space that all runs of one test share; it has a file, too."""
    name = request.node.name
    configure(
        f"backends: {{main: {{use: memory, shared: '{name}', schema: check}}}}\n"
        "stores:\n"
        "  cache: {kind: kv}\n"
        "  documents: {kind: doc, indexes: [status]}\n"
        "  knowledge: {kind: graph}\n"
        "  chunks: {kind: vector, dimensions: 2}\n"
    )
    return {"backends": {"main": {"use": "memory", "shared": name}}, "strict": False}
