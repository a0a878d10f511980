"""Makes installed distributions out of text: real `dist-info` folders and modules on sys.path."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeAlias

import pytest

from polystore.plugins.registry import refuse_foreign_distribution

if TYPE_CHECKING:
    from pathlib import Path

Install: TypeAlias = Callable[..., None]

WORKING = """
from polystore.backend import BackendInfo
from polystore.capabilities import Capabilities
from polystore.config import BackendConfig
from polystore.plugins.hookspecs import hookimpl
from polystore.specs import DocSpec, KVSpec

class Config(BackendConfig):
    port: int = 1

INFO = dict(
    name="{name}", config=Config, backend="nowhere.at_all:Backend", at_most={{"kv": Capabilities()}}
)

@hookimpl
def polystore_backends():
    return BackendInfo(**INFO)
"""
"""A plugin's module that does all that is asked of it before opening, for `format`."""


def write(
    folder: Path,
    distribution: str,
    *,
    version: str = "1.0",
    plugins: dict[str, str] | None = None,
    default: bool = False,
) -> None:
    """Write a distribution into `folder`.

    Args:
        folder: Where; a folder on sys.path.
        distribution: Its name.
        version: Its version.
        plugins: The source of the module of each entry point, by name.
        default: Whether the entry points also offer themselves as default.
    """
    plain = distribution.replace("-", "_")
    info = folder / f"{plain}-{version}.dist-info"
    info.mkdir(parents=True)
    header = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (info / "METADATA").write_text(header)
    lines: list[str] = []
    for group in ("polystore", "polystore.default") if default else ("polystore",):
        lines += [f"[{group}]", *(f"{name} = {plain}_{name}" for name in plugins or {})]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for name, source in (plugins or {}).items():
        (folder / f"{plain}_{name}.py").write_text(textwrap.dedent(source))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Install]:
    """Installs distributions, as `write` does, for one test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])

    def install(
        distribution: str,
        *,
        version: str = "1.0",
        plugins: dict[str, str] | None = None,
        default: bool = False,
    ) -> None:
        write(folder, distribution, version=version, plugins=plugins, default=default)
        importlib.invalidate_caches()
        refuse_foreign_distribution.cache_clear()

    yield install
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    refuse_foreign_distribution.cache_clear()
