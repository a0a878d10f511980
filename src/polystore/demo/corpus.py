"""Finding the files of a corpus: Python's standard library, or a folder."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from polystore.demo import c_modules, text_source
from polystore.demo.records import Problem, Source
from polystore.errors import ConfigError
from polystore.types.json_domain import format_datetime
from polystore.types.names import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

STDLIB: Final = "stdlib"

STDLIB_SKIPS: Final = frozenset(
    {
        "__pycache__",
        "_pydecimal.py",
        "_pyio.py",
        "distutils",
        "ensurepip",
        "idlelib",
        "lib-dynload",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "test",
        "tests",
        "turtledemo",
    }
)
"""Names of folders and files of the standard library that nobody searches for an answer: tests,
applications, vendored wheels, generated help, pure-Python twins of
modules in C, and distutils, which is gone since 3.12."""

FOLDER_SKIPS: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
"""The same for other folders, beside everything whose name begins with a dot."""

_MAX_FILE_BYTES: Final = 10 * 2**20


@dataclass(slots=True)
class Corpus:
    """The files found, by name, and what was passed over."""

    name: str
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    problems: list[Problem] = field(default_factory=list[Problem])


def find_corpus(path: Path | None, *, skips: frozenset[str] = frozenset()) -> Corpus:
    """Return the files of `path`, or of the running interpreter's standard library.

    Every file is read once, for its hash, so that a change is noticed whatever its times say.

    Args:
        path: A folder of Python, Markdown or text files; None for the standard library.
        skips: Names of further folders and files to leave out.

    Raises:
        ConfigError: `path` is no folder.
    """
    if path is None:
        root = Path(sysconfig.get_path("stdlib"))
        corpus = Corpus(STDLIB)
        _add_files(corpus, root, STDLIB_SKIPS | skips, frozenset({".py"}))
        for source in c_modules.sources():
            if source.name not in skips:
                corpus.sources.setdefault(source.name, source)
        return corpus
    root = path.expanduser().resolve()
    if not root.is_dir():
        raise ConfigError(f"{path} is no folder", hint="Give --path a folder with files to read")
    corpus = Corpus(root.as_posix())
    _add_files(corpus, root, FOLDER_SKIPS | skips, text_source.SUFFIXES | {".py"})
    return corpus


def _add_files(corpus: Corpus, root: Path, skips: frozenset[str], suffixes: frozenset[str]) -> None:
    for file in _walk(root, skips, corpus.problems):
        if file.suffix.lower() not in suffixes:
            continue
        shown = os.fsencode(file.relative_to(root).as_posix()).decode(errors="replace")
        try:
            source = _source(root, file)
        except (OSError, ValueError) as error:
            corpus.problems.append(Problem(shown, str(error)))
            continue
        _add(corpus, source)


def _add(corpus: Corpus, source: Source) -> None:
    """Add a file; of two with one name the package stays, as it does when importing."""
    other = corpus.sources.get(source.name)
    if other is not None and not source.is_package:
        source, other = other, source
    corpus.sources[source.name] = source
    if other is not None:
        reason = f"has the name {source.name}, which is that of {source.path}"
        corpus.problems.append(Problem(other.path, reason))


def _walk(folder: Path, skips: frozenset[str], problems: list[Problem]) -> Iterator[Path]:
    """Yield files in order; links are not followed."""

    def note(error: OSError) -> None:
        problems.append(Problem(str(error.filename), error.strerror or str(error)))

    for here, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if _wanted(name, skips))
        for name in sorted(names):
            file = Path(here, name)
            if _wanted(name, skips) and not file.is_symlink():
                yield file


def _wanted(name: str, skips: frozenset[str]) -> bool:
    return not name.startswith(".") and name not in skips


def _source(root: Path, file: Path) -> Source:
    """Return the source for `file`.

    Raises:
        OSError: It cannot be read.
        ValueError: It is too large, or its path cannot be stored.
    """
    relative = file.relative_to(root)
    path = relative.as_posix()
    is_python = file.suffix.lower() == ".py"
    is_package = is_python and file.name == "__init__.py" and relative != Path("__init__.py")
    name = _module_name(relative, is_package=is_package) if is_python else path
    if not path.isprintable() or len(name.encode()) > KEY_BYTES:
        raise ValueError("its path cannot be stored")
    stat = file.stat()
    if stat.st_size > _MAX_FILE_BYTES:
        raise ValueError(f"larger than {_MAX_FILE_BYTES} bytes")
    return Source(
        name=name,
        format="python" if is_python else "text",
        path=path,
        file=file,
        is_package=is_package,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        size=stat.st_size,
        mtime=format_datetime(datetime.fromtimestamp(stat.st_mtime, UTC)),
    )


def _module_name(relative: Path, *, is_package: bool) -> str:
    parts = relative.parent.parts if is_package else relative.with_suffix("").parts
    return ".".join(parts)


def interpreter() -> str:
    """Return the running interpreter's name and version, for people."""
    return f"{sys.implementation.name} {sys.version.split()[0]}"
