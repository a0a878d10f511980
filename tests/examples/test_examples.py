"""The examples run as they stand, and say what they should, on every backend that is at hand."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"
MEMORY: dict[str, Any] = {"backends": {"main": {"use": "memory"}}}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def embedded(folder: Path) -> dict[str, Any]:
    main = {"use": "postgres", "embedded": True, "path": str(folder / "pg")}
    return {"backends": {"main": main}}


@pytest.mark.parametrize("engine", ["memory", "postgres"])
async def test_quickstart(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = load("quickstart")
    config = MEMORY if engine == "memory" else embedded(tmp_path)
    for _ in range(1 if engine == "memory" else 2):
        await example.main(config)
        lines = capsys.readouterr().out.splitlines()
        assert lines == [
            "setting:  {'code': 'en'}",
            "nearest:  dune:1 0.994 Sand and spice",
            "books:    [('emma', 1815), ('dune', 1965)]",
            "cited by: ['dune']",
        ]


@pytest.mark.parametrize("engine", ["memory", "postgres"])
async def test_standard_library(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = load("standard_library")
    config = MEMORY if engine == "memory" else embedded(tmp_path)
    await example.main("compress a stream of bytes", config)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    found = {line.split()[1].partition(".")[0] for line in lines[::2]}
    assert found & {"bz2", "gzip", "lzma"}
    assert all("lines, imported by" in line for line in lines[1::2])


@pytest.mark.parametrize("engine", ["memory", "postgres"])
async def test_lightrag(
    engine: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from polystore_lightrag import settings

    monkeypatch.setattr(settings, "_default", {})
    example = load("lightrag_on_polystore")
    config = MEMORY if engine == "memory" else embedded(tmp_path)
    for _ in range(1 if engine == "memory" else 2):
        await example.main(config)
        assert capsys.readouterr().out.splitlines() == [
            "knows:   Ada Brunel, Bristol, Hamburg, Karl Weber, Pedro Lima, Santos",
            "says:    It has to do with Bristol, Hamburg, Santos.",
            "forgot:  Ada Brunel, Bristol, Hamburg, Karl Weber",
        ]


def test_a_script_runs_with_nothing_configured(tmp_path: Path) -> None:
    script = EXAMPLES / "quickstart.py"
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nearest:  dune:1" in done.stdout
    assert (tmp_path / ".polystore").is_dir()


def test_the_script_to_copy_is_short() -> None:
    assert len((EXAMPLES / "standard_library.py").read_text().splitlines()) < 120
