"""`polystore workspaces`: list, size, export, import and drop tenants."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of
from polystore.errors import ConfigError
from polystore.types.names import check_workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.types.reports import StoreSize


def list_(
    context: typer.Context, config: ConfigOption = None, verbose: VerboseOption = False
) -> None:
    """List the workspaces that have data on any backend.

    `polystore stats --workspace NAME` shows how much.
    """
    settings = settings_of(context, config, verbose=verbose)
    for name in asyncio.run(_list(settings)):
        output.line(name)


def size(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The workspace.")],
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Show how much each store holds of a workspace."""
    settings = settings_of(context, config, verbose=verbose)
    sizes = asyncio.run(_sizes(settings, check_workspace(name)))
    if json:
        output.json({"workspace": name, "stores": output.plain_data(sizes)})
        return
    rows = [[one.store, one.kind, str(one.rows), output.size(one.bytes)] for one in sizes]
    output.table(["store", "kind", "rows", "size"], rows)


def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The workspace.")],
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    to: Annotated[
        Path | None, typer.Option(help="File to write. Default: stdout.", show_default=False)
    ] = None,
) -> None:
    """Write everything of a workspace as JSON Lines, for `polystore workspaces import`.

    A file appears when it is whole. It replaces one of that name.
    """
    settings = settings_of(context, config, verbose=verbose)
    name = check_workspace(name)
    if to is None:
        asyncio.run(_export(settings, name, sys.stdout.buffer))
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            asyncio.run(_export(settings, name, file))
        part.replace(to)
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def import_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The workspace to store it in.")],
    file: Annotated[Path, typer.Argument(help="What `export` wrote.")],
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Store what `polystore workspaces export` wrote.

    In this workspace, whichever it came from. Rows that are there are replaced, others stay.
    """
    settings = settings_of(context, config, verbose=verbose)
    try:
        lines = file.open("rb")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    with lines:
        rows = asyncio.run(_import(settings, check_workspace(name), lines))
    output.line(f"{rows} rows stored")


def drop(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The workspace.")],
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete everything of a workspace.

    In every store of every backend. Asks first on a terminal; elsewhere it needs --yes.
    """
    settings = settings_of(context, config, verbose=verbose)
    if check_workspace(name) not in asyncio.run(_list(settings)):
        raise ConfigError(
            f"no workspace {name!r} has any data", hint="See `polystore workspaces list`"
        )
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nothing was deleted", hint="Say --yes if you are sure")
    if not yes and not output.confirmed(f"Delete everything of the workspace {name!r}?"):
        output.note("Nothing was deleted")
        raise typer.Exit(1)
    output.line(f"{asyncio.run(_drop(settings, name))} rows deleted")


async def _list(settings: Settings) -> list[str]:
    async with settings.client() as client:
        return await client.workspaces()


async def _drop(settings: Settings, name: str) -> int:
    async with settings.client() as client:
        return await client.workspace(name).drop()


async def _sizes(settings: Settings, name: str) -> list[StoreSize]:
    async with settings.client() as client:
        return await client.workspace(name).sizes()


async def _export(settings: Settings, name: str, file: BinaryIO) -> None:
    async with settings.client() as client:
        async for line in client.workspace(name).export():
            file.write(line)
        file.flush()


async def _import(settings: Settings, name: str, lines: Iterable[bytes]) -> int:
    async with settings.client() as client:
        return await client.workspace(name).load(lines)
