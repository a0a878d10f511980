"""`{env: NAME}` and `{file: PATH}` for keys that a model types as SecretStr."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from polystore.config.annotations import map_secrets
from polystore.config.origin import KeyPath, show_path
from polystore.config.problems import with_suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.config.problems import Problems

MAX_SECRET_BYTES = 64 * 1024
_FORMS = ("env", "file")


@dataclass(slots=True)
class SecretReader:
    """Reads secrets where a configuration points to them, and remembers every secret it saw.

    Attributes:
        problems: Where unreadable ones are reported.
        prefix: The path of what is being validated.
        base_dir: What the paths of files are relative to.
        seen: The secrets by their path, for keeping them out of messages.
        failed: The paths of references that are wrong and already reported.
    """

    problems: Problems
    prefix: KeyPath
    base_dir: Path
    seen: dict[KeyPath, str] = field(default_factory=dict[KeyPath, str], repr=False)
    failed: set[KeyPath] = field(default_factory=set[KeyPath])

    def resolve(self, annotation: Any, data: Any) -> Any:
        """Return `data` with its references to secrets replaced by what they hold."""
        return map_secrets(annotation, data, self.prefix, self._secret)

    def _secret(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            value = self._reference(cast("dict[str, Any]", value), path)
            if value is None:
                self.failed.add(path)
        if isinstance(value, SecretStr):
            self.seen[path] = value.get_secret_value()
        elif isinstance(value, str):
            self.seen[path] = value
        return value

    def _reference(self, reference: dict[str, Any], path: KeyPath) -> str | None:
        shown = show_path(path)
        if len(reference) != 1:
            self.problems.add(path, f"{shown} takes one of {{env: NAME}} and {{file: PATH}}")
            return None
        form, name = next(iter(reference.items()))
        if form not in _FORMS:
            text = with_suggestion(f"{show_path((*path, form))} is not known", form, _FORMS)
            self.problems.add((*path, form), text)
            return None
        if not isinstance(name, str) or not name:
            self.problems.add((*path, form), f"{show_path((*path, form))} must be a text")
            return None
        return self._variable(name, path) if form == "env" else self._file(name, path)

    def _variable(self, name: str, path: KeyPath) -> str | None:
        value = self.problems.origin.environ.get(name)
        if value is None:
            shown = "named here" if (*path, "env") in self.problems.origin.substituted else name
            text = f"{show_path(path)}: the environment variable {shown} is not set; set it"
            self.problems.add((*path, "env"), text)
        return value

    def _file(self, name: str, path: KeyPath) -> str | None:
        hidden = (*path, "file") in self.problems.origin.substituted
        shown = "named here" if hidden else name
        try:
            return _read(self.base_dir / name)
        except UnicodeDecodeError:
            reason = "it is not UTF-8"
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except (ValueError, RuntimeError) as error:
            reason = str(error)
        place = f"{show_path(path)}: the file {shown} cannot be read: {reason}"
        self.problems.add((*path, "file"), place)
        return None


def _read(file: Path) -> str:
    """Return the text of `file` without the end of its last line."""
    with file.expanduser().open("rb") as stream:
        raw = stream.read(MAX_SECRET_BYTES + 1)
    if len(raw) > MAX_SECRET_BYTES:
        raise ValueError(f"it has more than {MAX_SECRET_BYTES} bytes")
    return raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
