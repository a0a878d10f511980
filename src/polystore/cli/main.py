"""The entry point `polystore`; importable without the extra that the commands need."""

from __future__ import annotations

import io
import sys

USAGE = 2


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    streams: list[object] = [sys.stdout, sys.stderr]
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show is shown as an escape, not as a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        from polystore.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.stderr.write(
            f"polystore: the command line needs the package {error.name!r}; "
            "install it with `pip install polystore-core[cli]`\n"
        )
        sys.exit(USAGE)
    sys.exit(run())
