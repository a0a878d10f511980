"""`polystore plan` and `polystore apply`: from what the engines have to what is declared."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, Settings, VerboseOption, settings_of
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.reports import Change, Finding, Progress

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
    changes, notes = asyncio.run(_plan_and_notes(settings))
    if json:
        output.json({"changes": output.plain_data(changes), "notes": output.plain_data(notes)})
    else:
        _show(changes, settings)
        for note in notes:
            output.line(f"= {note.backend}/{note.store}: {note.message}. {note.action}")
    raise typer.Exit(_code(changes))


def apply(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    destroy: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Instead: drop a store that is no longer declared."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show it, with the statements.")
    ] = False,
) -> None:
    """Make new stores, fields and indexes.

    Does what `plan` shows, and never drops anything. Asks first on a terminal. If a change is
    refused, nothing at all is done. While an engine builds an index, and can tell, it says how far
    it is, on stderr.

    With --destroy it drops one store, with all that it has in every workspace, and does nothing
    else. It asks for the name; where there is no terminal it needs --yes.

    Exit code: 0 if the engines have what is declared, else 1.
    """
    settings = settings_of(context, config, verbose=verbose)
    if destroy is not None:
        _destroy_one(settings, destroy, yes=yes, dry_run=dry_run)
        return
    changes = asyncio.run(_plan(settings))
    _show(changes, settings, statements=dry_run)
    if _code(changes) != PENDING:
        raise typer.Exit(_code(changes))
    if dry_run:
        return
    if not yes and sys.stdin.isatty() and not output.confirmed("Apply these changes?"):
        output.note("Nothing was changed")
        raise typer.Exit(REFUSED)
    done = asyncio.run(_apply(settings))
    output.line(f"{len(done)} of {len(changes)} changes applied")


def _destroy_one(settings: Settings, name: str, *, yes: bool, dry_run: bool) -> None:
    _show([asyncio.run(_destroy(settings, name, dry_run=True))], settings, statements=True)
    if dry_run:
        return
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nothing was dropped", hint="Say --yes if you are sure")
    if not yes and output.answer("Type the store's name to drop it:") != name:
        output.note("Nothing was dropped")
        raise typer.Exit(REFUSED)
    done = asyncio.run(_destroy(settings, name))
    output.line(f"{done.backend}/{done.store} is dropped")


async def _destroy(settings: Settings, name: str, *, dry_run: bool = False) -> Change:
    async with settings.client() as client:
        return await client.destroy(name, dry_run=dry_run)


async def _plan_and_notes(settings: Settings) -> tuple[list[Change], list[Finding]]:
    async with settings.client() as client:
        return await client.plan(), await client.notes()


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


def _show(changes: Sequence[Change], settings: Settings, *, statements: bool = False) -> None:
    if not changes:
        output.line("Nothing to do: the engines have what is declared")
    for change in changes:
        mark = "!" if change.refused else "-" if change.action == "drop_store" else "+"
        place = f"{change.backend}/{change.store}" if change.store else change.backend
        output.line(f"{mark} {place}: {change.summary}")
        if change.refused:
            output.indented(f"refused: {change.refused}")
        if settings.verbose or statements:
            for statement in change.statements:
                output.indented(statement)
