"""`polystore new-backend`: the beginning of a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polystore.cli import output


def new_backend(
    name: Annotated[str, typer.Argument(help="What `use:` will say, e.g. `mydb`.")],
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="The folder to put the package into.")
    ] = Path(),
) -> None:
    """Write a package polystore-NAME: a small backend that already runs the conformance kit."""
    from polystore.scaffold import new_backend as write

    folder = write(name, into)
    output.line(f"{folder} is written: a key-value backend in memory, to be replaced by yours")
    output.line(f"Next: cd {folder}; pip install -e '.[test]'; pytest; then see its README.md")
