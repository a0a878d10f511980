"""Writing the package of a new backend from the templates beside this file."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from polystore.errors import ConfigError
from polystore.plugins.registry import installed_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = ".txt"
"""Of every template, so that no tool takes it for what it will become."""


def new_backend(name: str, into: Path) -> Path:
    """Write a package `polystore-NAME` with a small backend that the conformance kit can run.

    Args:
        name: What `use:` will say: lower-case words of letters and digits, joined by `-`.
        into: The folder to put the package's folder into; made if it is not there.

    Returns:
        The package's folder.

    Raises:
        ConfigError: The name cannot be used, a plugin of that name is installed, the package's
            folder is there already, or it cannot be written.
    """
    _check_name(name)
    target = into / f"polystore-{name}"
    words = {
        "@NAME@": name,
        "@PACKAGE@": f"polystore_{name.replace('-', '_')}",
        "@CLASS@": "".join(word.capitalize() for word in name.split("-")),
    }
    try:
        into.mkdir(parents=True, exist_ok=True)
        target.mkdir()
        for path, template in _templates(files("polystore.scaffold") / "templates"):
            file = target / _filled(path, words)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(template.read_text(encoding="utf-8"), words), encoding="utf-8")
    except FileExistsError as error:
        raise ConfigError(
            f"{error.filename} exists", hint="Say another name, or another folder with --into"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{error.filename} cannot be written: {error.strerror}",
            hint="Say another folder with --into",
        ) from error
    return target


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"{name!r} is no name for a backend",
            hint="Use lower-case letters and digits, beginning with a letter; - joins words",
        )
    if name in installed_plugins():
        raise ConfigError(
            f"a plugin called {name!r} is installed, and there cannot be two",
            hint="Choose another name, or uninstall that plugin",
        )


def _templates(folder: Traversable, path: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _templates(item, f"{path}{item.name}/")
        elif item.name.endswith(_SUFFIX):
            yield f"{path}{item.name.removesuffix(_SUFFIX)}", item


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
