"""From a file or a mapping to plain data with the environment substituted, and its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from polystore.config.env import has_reference, substitute
from polystore.config.limits import MAX_BYTES, MAX_DEPTH
from polystore.config.origin import KeyPath, Origin, show_path
from polystore.config.problems import Problems
from polystore.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Document:
    """What was written, as plain data, and where."""

    origin: Origin
    data: dict[str, Any] = field(repr=False)


def read_document(
    source: str | Path | Mapping[str, Any] | None, environ: Mapping[str, str]
) -> Document:
    """Return the data of `source`: a file's path, a mapping, or None for an empty one.

    Raises:
        ConfigError: It cannot be read, is no valid YAML, or refers to variables that are not set.
    """
    if source is None:
        return Document(Origin(environ=environ), {})
    if isinstance(source, Mapping):
        origin = Origin(environ=environ)
        data: Mapping[Any, Any] = source
    elif isinstance(source, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]: callers may be untyped
        origin, data = _read_file(Path(source), environ)
    else:
        raise ConfigError(f"a configuration is a path or a mapping, not {type(source).__name__}")
    return _substituted(origin, data)


def _read_file(path: Path, environ: Mapping[str, str]) -> tuple[Origin, dict[str, Any]]:
    # Loaded only when there is a file: the YAML parser is a large part of the import time.
    from polystore.config.yaml_file import parse_yaml

    name = str(path)
    try:
        file = path.expanduser().resolve()
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(
            f"{name}: the configuration cannot be read: {reason}",
            hint="Check the path, or write a new file with `polystore init`",
        ) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{name}: more than {MAX_BYTES} bytes is no configuration")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: the text is not UTF-8; save it as UTF-8") from None
    parsed = parse_yaml(text, name)
    origin = Origin(name=name, file=file, base_dir=file.parent, lines=parsed.lines, environ=environ)
    return origin, parsed.data


def _substituted(origin: Origin, data: Mapping[Any, Any]) -> Document:
    substituter = _Substituter(origin)
    plain = substituter.mapping(data, ())
    substituter.problems.raise_if_any()
    return Document(replace(origin, substituted=substituter.substituted), plain)


class _Substituter:
    """Copies data, with variables substituted in its texts; keys stay as they are."""

    def __init__(self, origin: Origin) -> None:
        self.problems = Problems(origin)
        self.substituted: dict[KeyPath, str] = {}
        self._environ = origin.environ

    def mapping(self, data: Mapping[Any, Any], path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in data.items():
            if isinstance(key, str):
                result[key] = self.value(value, (*path, key))
            else:
                inside = f" of {show_path(path)}" if path else ""
                self.problems.add(path, f"a key{inside} is not a text but {type(key).__name__}")
        return result

    def value(self, value: Any, path: KeyPath) -> Any:
        if len(path) > MAX_DEPTH:
            self.problems.add(path[:1], f"{show_path(path[:1])} is nested too deeply")
            return None
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            return self.mapping(cast("Mapping[Any, Any]", value), path)
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            return [self.value(item, (*path, position)) for position, item in enumerate(items)]
        return value

    def _text(self, text: str, path: KeyPath) -> str:
        if "${" not in text:
            return text
        try:
            result = substitute(text, self._environ)
        except ValueError as error:
            self.problems.add(path, f"{show_path(path)}: {error}")
            return text
        if has_reference(text):
            self.substituted[path] = result
        return result
