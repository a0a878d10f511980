"""The commands in one table, and how a run ends."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING

import typer

from polystore.cli import generations, output
from polystore.cli.bench import bench
from polystore.cli.changes import apply, plan
from polystore.cli.check import check
from polystore.cli.demo import demo
from polystore.cli.doctor import doctor
from polystore.cli.init import init
from polystore.cli.migrate_from import migrate_from
from polystore.cli.new_backend import new_backend
from polystore.cli.schema import schema
from polystore.cli.settings import ConfigOption, Settings, VerboseOption, settings_of
from polystore.cli.stats import stats
from polystore.cli.version import version
from polystore.cli.workspaces import drop, export, import_, list_, size
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED = 1
_ABANDONED = "Future exception was never retrieved"
COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "check": check,
    "doctor": doctor,
    "plan": plan,
    "apply": apply,
    "schema": schema,
    "stats": stats,
    "migrate-from": migrate_from,
    "bench": bench,
    "demo": demo,
    "new-backend": new_backend,
    "version": version,
}
WORKSPACE_COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "size": size,
    "export": export,
    "import": import_,
    "drop": drop,
}


def build() -> typer.Typer:
    """Return the application: its global options and its commands."""
    app = typer.Typer(
        name="polystore",
        help="Key-value, vector, graph and document storage; engines are chosen in one YAML file.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for name, command in COMMANDS.items():
        app.command(name)(command)
    workspaces = _group("Tenants: list, size, export, import and drop them.", WORKSPACE_COMMANDS)
    app.add_typer(workspaces, name="workspaces")
    about = (
        "Another generation of a vector store: make it, fill it, switch to it, drop the old one."
    )
    app.add_typer(_group(about, generations.COMMANDS), name="generation")
    return app


def _group(about: str, commands: dict[str, Callable[..., None]]) -> typer.Typer:
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    for name, command in commands.items():
        group.command(name)(command)
    return group


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    Args:
        arguments: Without the program's name; None: those of the process.
    """
    try:
        code = _run(arguments, Settings())
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads the output any more; the interpreter's end must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _run(arguments: Sequence[str] | None, settings: Settings) -> int:
    command = typer.main.get_command(build())
    handler = _log_to_stderr()

    def is_news(record: logging.LogRecord) -> bool:
        # What an interrupted connection attempt leaves behind is none to who interrupted it.
        return settings.verbose or not record.getMessage().startswith(_ABANDONED)

    logging.getLogger("asyncio").addFilter(is_news)
    try:
        command.main(arguments, prog_name="polystore", obj=settings)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except PolystoreError as error:
        if settings.verbose:
            traceback.print_exception(error)
        output.error(error)
        return FAILED
    finally:
        logging.getLogger("polystore").removeHandler(handler)
    return 0


def _global_options(
    context: typer.Context, config: ConfigOption = None, verbose: VerboseOption = False
) -> None:
    settings_of(context, config, verbose=verbose)


def _log_to_stderr() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.getLogger("polystore").addHandler(handler)
    return handler
