"""`polystore workspaces`: list and drop tenants."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, Settings, VerboseOption, settings_of
from polystore.errors import ConfigError


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
    asyncio.run(_drop(settings, name, sure=yes))


async def _list(settings: Settings) -> list[str]:
    async with settings.client() as client:
        return await client.workspaces()


async def _drop(settings: Settings, name: str, *, sure: bool) -> None:
    async with settings.client() as client:
        workspace = client.workspace(name)
        if name not in await client.workspaces():
            raise ConfigError(
                f"no workspace {name!r} has any data", hint="See `polystore workspaces list`"
            )
        if not sure and not sys.stdin.isatty():
            raise ConfigError("nothing was deleted", hint="Say --yes if you are sure")
        if not sure and not typer.confirm(f"Delete everything of the workspace {name!a}?"):
            output.note("Nothing was deleted")
            raise typer.Exit(1)
        output.line(f"{await workspace.drop()} rows deleted")
