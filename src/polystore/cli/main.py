"""The entry point `polystore`; importable without the extra that the commands need."""

from __future__ import annotations

import sys

USAGE = 2


def main() -> None:
    """Run the command line with the process's arguments, and exit."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show is shown as an escape, not as a traceback.
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]: TextIO lacks it, the process's streams have it
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
