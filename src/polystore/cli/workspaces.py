"""`polystore workspaces`: list and drop tenants."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, Settings, VerboseOption, settings_of
from polystore.errors import ConfigError
from polystore.types.names import check_workspace


def list_(
    context: typer.Context, config: ConfigOption = None, verbose: VerboseOption = False
) -> None:
    """List the workspaces that have data on any backend.

    `polystore stats --workspace NAME` shows how much.
    """
    settings = settings_of(context, config, verbose=verbose)
    for name in asyncio.run(_list(settings)):
        output.line(name)


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
