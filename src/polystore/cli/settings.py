"""The options that every command takes, and what they mean for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

if TYPE_CHECKING:
    from polystore.client import Polystore

DEFAULT_FILE = Path("polystore.yaml")
ENVIRONMENT_VARIABLE = "POLYSTORE_CONFIG"

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help=f"Configuration. Else ${ENVIRONMENT_VARIABLE}, else ./{DEFAULT_FILE} if it exists, "
        "else the embedded default.",
        show_default=False,
    ),
]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more; show the traceback of an error.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass
class Settings:
    """What was asked for, before the command's name or after it.

    Attributes:
        config: The file that was named, if any.
        verbose: Whether to say more.
    """

    config: Path | None = None
    verbose: bool = False

    def add(self, config: Path | None, *, verbose: bool) -> None:
        """Take the options that stand at one place."""
        self.config = config or self.config
        self.verbose = verbose or self.verbose

    def source(self) -> Path | None:
        """Return the configuration file, or None for the default configuration."""
        named = self.config or os.environ.get(ENVIRONMENT_VARIABLE)
        if named:
            return Path(named)
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None

    def client(
        self, *, schema: Literal["auto", "check", "off"] = "off", tolerant: bool = False
    ) -> Polystore:
        """Return a client, to be opened; it leaves the schema alone unless told otherwise."""
        from polystore.client import open as open_client

        return open_client(self.source(), schema=schema, tolerant=tolerant)


def settings_of(context: typer.Context, config: Path | None, *, verbose: bool) -> Settings:
    """Return the settings of this run, with a command's own options taken in."""
    settings = context.ensure_object(Settings)
    settings.add(config, verbose=verbose)
    return settings
