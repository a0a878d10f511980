"""Which configuration file a command uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from polystore.cli.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLYSTORE_CONFIG", raising=False)
    return tmp_path


def test_nothing_means_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.exists()
    monkeypatch.setenv("POLYSTORE_CONFIG", "")
    assert Settings().source() is None


def test_a_named_file_need_not_exist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "polystore.yaml").touch()
    assert Settings().source() == Path("polystore.yaml")
    monkeypatch.setenv("POLYSTORE_CONFIG", "gone.yaml")
    assert Settings().source() == Path("gone.yaml")
    assert Settings(config=Path("named.yaml")).source() == Path("named.yaml")


def test_the_options_nearest_to_the_command_win() -> None:
    settings = Settings()
    settings.add(Path("global.yaml"), verbose=True)
    settings.add(None, verbose=False)
    assert (settings.config, settings.verbose) == (Path("global.yaml"), True)
    settings.add(Path("own.yaml"), verbose=False)
    assert settings.config == Path("own.yaml")
