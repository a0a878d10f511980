"""`polystore generation`: another generation of a vector store, made, filled and switched to."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar, cast

import typer

from polystore.cli import output
from polystore.cli.settings import ConfigOption, JsonOption, VerboseOption, settings_of
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.cli.settings import Settings
    from polystore.schema.carrying import Embed
    from polystore.schema.filling import FillReport
    from polystore.schema.generations import Generations

T = TypeVar("T")
LEFT = 1
_STEP = 10_000
"""Told again after so many records."""

StoreArgument: TypeAlias = Annotated[str, typer.Argument(metavar="STORE", help="A vector store.")]
ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Although the generations differ.")
]


def list_(
    context: typer.Context,
    store: StoreArgument,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
) -> None:
    """Show the generations of a store, what each is for, and its records."""
    settings = settings_of(context, config, verbose=verbose)
    states = asyncio.run(_with(settings, store, lambda generations: generations.states()))
    if json:
        output.json({"generations": output.plain_data(states)})
        return
    rows = [
        [
            str(one.number),
            one.state,
            str(one.dimensions),
            one.metric,
            one.embedding_model or "",
            f"{one.rows:,}",
        ]
        for one in states
    ]
    output.table(["generation", "state", "dimensions", "metric", "embedding", "records"], rows)


def start(
    context: typer.Context,
    store: StoreArgument,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Make another generation of a store, as it is declared now.

    It is empty, and nobody uses it before `switch`. The present one serves on, for whoever opens
    the store as it was declared before.
    """
    settings = settings_of(context, config, verbose=verbose)
    number = asyncio.run(_with(settings, store, lambda generations: generations.start()))
    output.line(f"Generation {number} of {store} is there. Fill it, then switch to it")


def fill(
    context: typer.Context,
    store: StoreArgument,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    json: JsonOption = False,
    embed: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Makes the vectors: gets a list of texts, returns a vector for each.",
        ),
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Take the vectors as they are: equal dimensions only.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Texts that FUNCTION gets at a time.")] = 256,
) -> None:
    """Carry over what the newer generation of a store does not have yet.

    While others read and write. Run it again to go on after an interruption, or to catch up.

    Exit code: 0 if everything was carried over, 1 if something cannot be.
    """
    settings = settings_of(context, config, verbose=verbose)
    if copy == (embed is not None):
        raise ConfigError(
            "say where the vectors come from: --copy or --embed", hint="One of the two"
        )
    function = None if embed is None else _function(embed)
    progress = _Progress()
    report = asyncio.run(
        _with(
            settings,
            store,
            lambda generations: generations.fill(function, batch=batch, progress=progress),
        )
    )
    if json:
        output.json(output.plain_data([report])[0])
    else:
        _show(report)
    raise typer.Exit(LEFT if report.left else 0)


def switch(
    context: typer.Context,
    store: StoreArgument,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    force: ForceOption = False,
) -> None:
    """Let the newer generation of a store serve from now on.

    Refused if it lacks something, unless forced: `fill` carries the rest afterwards. So it does
    with what is still written by programs that have the old generation open; `drop` ends that.
    """
    settings = settings_of(context, config, verbose=verbose)
    number = asyncio.run(
        _with(settings, store, lambda generations: generations.switch(force=force))
    )
    output.line(f"Generation {number} of {store} serves")


def drop(
    context: typer.Context,
    store: StoreArgument,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Give up the one that is being filled.")
    ] = False,
    force: ForceOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the generation of a store that does not serve.

    Refused if the old one has records that were not carried over, unless forced. Asks first on a
    terminal; elsewhere it needs --yes.
    """
    settings = settings_of(context, config, verbose=verbose)
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nothing was removed", hint="Say --yes if you are sure")
    if not yes and not output.confirmed(f"Remove the generation of {store} that does not serve?"):
        output.note("Nothing was removed")
        raise typer.Exit(1)
    number = asyncio.run(
        _with(
            settings,
            store,
            lambda generations: generations.drop(unfinished=unfinished, force=force),
        )
    )
    output.line(f"Generation {number} of {store} is removed")


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "start": start,
    "fill": fill,
    "switch": switch,
    "drop": drop,
}


async def _with(settings: Settings, store: str, work: Callable[[Generations], Awaitable[T]]) -> T:
    async with settings.client() as client:
        return await work(client.generations(store))


def _function(named: str) -> Embed:
    """Return the function that `module:function` names, seen from the current folder."""
    module, _, name = named.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{named!r} cannot be imported: {error}",
            hint="Say module:function; the module is looked for in this folder, too",
        ) from error
    if not callable(found):
        raise ConfigError(f"{named!r} is no function", hint="Say module:function")
    return cast("Embed", found)


class _Progress:
    """Tells how far it is, on stderr, now and then."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, report: FillReport) -> None:
        if report.compared - self._told >= _STEP:
            self._told = report.compared
            output.note(f"{report.compared:,} compared, {report.carried:,} carried over")


def _show(report: FillReport) -> None:
    output.line(
        f"{report.compared:,} records of generation {report.source} compared with generation "
        f"{report.target}: {report.carried:,} carried over, {report.deleted:,} deleted"
    )
    if report.changed:
        output.line(f"{report.changed:,} were written meanwhile: run it again for those")
    if report.left:
        output.line(f"{report.left:,} cannot be carried over:")
    for one in report.examples:
        output.indented(f"{one.workspace} {one.id}: {one.reason}")
    if report.left > len(report.examples):
        output.indented(f"and {report.left - len(report.examples):,} more")
