"""The package that `polystore new-backend` writes: built, found by its entry point, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from polystore.errors import ConfigError
from polystore.scaffold import new_backend

if TYPE_CHECKING:
    from pathlib import Path

TO_DO = {
    "test_a_store_gets_another_name",
    "test_check_accepts_what_is_there",
    "test_kv",
    "test_one_counter_of_two_clients",
    "test_two_clients",
    "test_what_is_no_longer_declared_is_kept",
}
"""What the package's backend cannot keep, as its data are one client's own."""


def run(
    *arguments: str, folder: Path, site: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PYTHONPATH": str(site)} if site else {})
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=280,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_backend("my-db", tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to import from, into which the package's wheel is installed."""
    built = run("hatchling", "build", "-t", "wheel", folder=package)
    assert built.returncode == 0, built.stderr
    (wheel,) = (package / "dist").glob("*.whl")
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_it_is_found(package: Path, site: Path) -> None:
    code = (
        "from polystore.plugins.registry import Registry, plugin_distributions\n"
        "assert Registry().backend_info('my-db').name == 'my-db'\n"
        "assert ('polystore-my-db', '0.1.0', ['my-db']) in plugin_distributions()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(site)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=package, env=environment)


def test_its_kit_runs_and_says_what_is_left(package: Path, site: Path) -> None:
    done = run("pytest", "-p", "no:cacheprovider", "-p", "no:xdist", folder=package, site=site)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    failed = re.findall(r"^FAILED \S+::(\w+)::(test_\w+)", done.stdout, re.MULTILINE)
    assert {suite for suite, _ in failed} == {"TestBackend"}, done.stdout
    assert {test for _, test in failed} == TO_DO, done.stdout
    assert "what one client stored, as the other reads it" in done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 50
    assert "error" not in done.stdout.splitlines()[-1]


def test_nothing_is_left_to_fill_in(package: Path) -> None:
    written = [file for file in package.rglob("*") if file.suffix in {".py", ".toml", ".md"}]
    assert len(written) == 8
    for file in written:
        assert not re.search(r"@[A-Z]+@|TODO|NotImplemented", file.read_text(encoding="utf-8")), (
            file
        )


def test_it_is_clean(package: Path) -> None:
    done = run("ruff", "check", "--no-cache", "--select", "E,F,W,B,UP,ANN", ".", folder=package)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["", "My-db", "my_db", "9db", "a--b", "-a", "a-", "a/b", "..", "é"]
)
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name for a backend"):
        new_backend(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_an_installed_plugin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be two"):
        new_backend("memory", tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    new_backend("mydb", tmp_path / "made")
    with pytest.raises(ConfigError, match="exists"):
        new_backend("mydb", tmp_path / "made")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="exists"):
        new_backend("mydb", tmp_path / "file")
