"""The committed files are what the generator makes, and show everything that is public."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import polystore
import polystore.sync

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "src" / "polystore" / "sync" / "generated"
PAIRS: list[tuple[type, type]] = [
    (getattr(polystore, name), getattr(polystore.sync, name))
    for name in polystore.sync.__all__
    if name != "open"
]
LEFT_OUT = {"runtime"}


def generator(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate_sync.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_the_committed_files_are_what_the_generator_makes() -> None:
    done = generator("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_finds_every_kind_of_difference(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import generate_sync as g, pathlib\n"
        "texts = {pathlib.Path(sys.argv[2]) / p.name: t for p, t in g.generated().items()}\n"
        "g.generated = lambda: texts\n"
        "g.ROOT = g.TARGET = pathlib.Path(sys.argv[2])\n"
        "assert g.main(['--check']) == 1, 'missing files'\n"
        "assert g.main([]) == 0\n"
        "assert g.main(['--check']) == 0\n"
        "(g.TARGET / 'kv.py').write_text('edited')\n"
        "assert g.main(['--check']) == 1, 'an edited file'\n"
        "g.main([]); (g.TARGET / 'left.py').write_text('')\n"
        "assert g.main(['--check']) == 1, 'a file that is generated no more'\n"
    )
    command = [sys.executable, "-c", code, str(ROOT / "tools"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def public(owner: type) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")} - LEFT_OUT


def parameters(function: Callable[..., object]) -> list[tuple[str, object, object]]:
    signature = inspect.signature(function)
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


@pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_public_member_is_there_with_the_same_arguments(theirs: type, ours: type) -> None:
    assert public(ours) - {"portal"} == public(theirs)
    for name in public(theirs):
        original, counterpart = getattr(theirs, name), getattr(ours, name)
        assert isinstance(original, property) == isinstance(counterpart, property), name
        if not isinstance(original, property):
            assert parameters(counterpart) == parameters(original), name
            assert not inspect.iscoroutinefunction(counterpart), name
        assert counterpart.__doc__, name
        assert "async with" not in counterpart.__doc__, name


def test_open_takes_what_the_asynchronous_one_takes() -> None:
    assert parameters(polystore.sync.open) == parameters(polystore.open)


def test_every_exported_name_can_be_had() -> None:
    assert dir(polystore.sync) == sorted(polystore.sync.__all__)
    for name in polystore.sync.__all__:
        assert getattr(polystore.sync, name).__module__.startswith("polystore.sync")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = polystore.sync.Nothing


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import polystore.sync, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "pydantic", "asyncpg", "ruamel", "asyncio"}
