"""`polystore plan` and `polystore apply`: from what the engines have to what is declared."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.reports import Change, Progress

REFUSED = 1
PENDING = 3
"""Not 2, which is wrong usage: a script must not take a typing error for pending changes."""


def plan(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Show what `apply` would do.

    Changes nothing. With --verbose it shows the statements, too.

    Exit code: 0 if nothing is to be done, 3 if changes are pending, 1 if one is refused.
    """
    settings = settings_of(context, config, verbose=verbose)
    changes = asyncio.run(_plan(settings))
    if json:
        output.json({"changes": output.plain_data(changes)})
    else:
        _show(changes, settings)
    raise typer.Exit(_code(changes))


def apply(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make new stores, fields and indexes.

    Does what `plan` shows, and never drops anything. Asks first on a terminal. If a change is
    refused, nothing at all is done. While an engine builds an index, and can tell, it says how far
    it is, on stderr.

    Exit code: 0 if the engines have what is declared, else 1.
    """
    settings = settings_of(context, config, verbose=verbose)
    changes = asyncio.run(_plan(settings))
    _show(changes, settings)
    if _code(changes) != PENDING:
        raise typer.Exit(_code(changes))
    if not yes and sys.stdin.isatty() and not output.confirmed("Apply these changes?"):
        output.note("Nothing was changed")
        raise typer.Exit(REFUSED)
    done = asyncio.run(_apply(settings))
    output.line(f"{len(done)} of {len(changes)} changes applied")


async def _plan(settings: Settings) -> list[Change]:
    async with settings.client() as client:
        return await client.plan()


async def _apply(settings: Settings) -> list[Change]:
    async with settings.client() as client:
        return await client.apply(progress=_tell)


def _tell(progress: Progress) -> None:
    """Print how far a build is, a line for each look; on stderr, as it is no part of the result."""
    counted = ""
    if progress.total:
        share = 100 * progress.done // progress.total
        counted = f", {progress.done:,} of {progress.total:,} {progress.unit} ({share}%)"
    elif progress.done:
        counted = f", {progress.done:,} {progress.unit}"
    output.note(f"  {progress.backend}: {progress.what}: {progress.phase}{counted}")


def _code(changes: Sequence[Change]) -> int:
    if any(change.refused for change in changes):
        return REFUSED
    return PENDING if changes else 0


def _show(changes: Sequence[Change], settings: Settings) -> None:
    if not changes:
        output.line("Nothing to do: the engines have what is declared")
    for change in changes:
        mark = "!" if change.refused else "+"
        place = f"{change.backend}/{change.store}" if change.store else change.backend
        output.line(f"{mark} {place}: {change.summary}")
        if change.refused:
            output.indented(f"refused: {change.refused}")
        if settings.verbose:
            for statement in change.statements:
                output.indented(statement)
