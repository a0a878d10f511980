"""Where a migration got to, in a file that is whole at any moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = 1


@dataclass(slots=True)
class State:
    """What is done.

    Attributes:
        file: Where it is kept.
        fingerprint: The source's when the run began.
        target: What the run writes to, so that another one is not taken for it.
        positions: How far each part is, by its name.
        done: The parts that are written whole.
    """

    file: Path
    fingerprint: str
    target: str
    positions: dict[str, str] = field(default_factory=dict[str, str])
    done: list[str] = field(default_factory=list[str])

    @classmethod
    def load(cls, file: Path, fingerprint: str, target: str) -> Self | None:
        """Return what `file` holds, or None if there is no such file.

        Raises:
            ConfigError: It is of another run, or the source has changed since.
        """
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
        try:
            data = cast("dict[str, Any]", json.loads(text))
            version = data.pop("version")
            state = cls(file, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{file} is not the state of a migration", hint="Remove it, or say --restart"
            ) from error
        if (version, state.target) != (_VERSION, target):
            raise ConfigError(
                f"{file} belongs to a migration into other stores",
                hint="Name another file with --state, or say --restart",
            )
        if state.fingerprint != fingerprint:
            raise ConfigError(
                "the source has changed since the migration was interrupted",
                hint="Say --restart to write everything again; what is equal stays as it is",
            )
        return state

    def save(self) -> None:
        """Write the file anew; a reader finds the old or the new one, never a part."""
        data = {name: value for name, value in asdict(self).items() if name != "file"}
        fresh = self.file.with_name(f"{self.file.name}.new")
        try:
            fresh.write_text(json.dumps({"version": _VERSION, **data}), encoding="utf-8")
            fresh.replace(self.file)
        except OSError as error:
            raise ConfigError(
                f"{self.file} cannot be written: {error.strerror}",
                hint="Name another file with --state",
            ) from error

    def forget(self) -> None:
        """Remove the file."""
        self.file.unlink(missing_ok=True)
