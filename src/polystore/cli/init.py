"""`polystore init`: a configuration file to begin with."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import DEFAULT_FILE
from polystore.errors import ConfigError, PolystoreError

if TYPE_CHECKING:
    from polystore.config.example import ExampleBackend
    from polystore.plugins.registry import Registry


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a configuration file with comments. It works as it is, on an embedded engine."""
    from polystore.config.example import ExampleBackend, example_config
    from polystore.plugins.registry import Registry

    registry = Registry()
    use, info = registry.default_backend()
    main = ExampleBackend(use, info.description, info.default_settings or {})
    _write(file, example_config(main, _examples(registry)), force=force)
    output.line(f"{file} is written: it uses {use}. Next: polystore check, then polystore doctor")


def _examples(registry: Registry) -> list[ExampleBackend]:
    from polystore.config.example import ExampleBackend
    from polystore.plugins.registry import installed_plugins

    shown: list[ExampleBackend] = []
    for name in installed_plugins():
        try:
            if registry.brings_backend(name):
                info = registry.backend_info(name)
                shown.append(ExampleBackend(name, info.description, example=info.example))
        except PolystoreError as error:
            output.note(f"warning: left out: {error}")
    return shown


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(f"{file} exists", hint="Say --force to overwrite it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"{file} cannot be written: {reason}", hint="Name another file"
        ) from error
