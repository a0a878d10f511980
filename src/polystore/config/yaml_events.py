"""The YAML parser's events as typed tokens; the only place that touches the parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

TokenKind: TypeAlias = Literal["document", "scalar", "list", "mapping", "end", "alias"]

_KINDS: dict[type, TokenKind] = {
    DocumentStartEvent: "document",
    ScalarEvent: "scalar",
    SequenceStartEvent: "list",
    SequenceEndEvent: "end",
    MappingStartEvent: "mapping",
    MappingEndEvent: "end",
    AliasEvent: "alias",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A step through a YAML text.

    Attributes:
        kind: `list` and `mapping` are followed by their contents and an `end`.
        line: Counted from 1.
        column: Counted from 1.
        anchor: The name after `&`, or after `*` for an alias.
        tag: The tag as written and resolved; None where there is none.
        text: A scalar's text.
        plain: Whether the scalar stands without quotes, `|` or `>`.
    """

    kind: TokenKind
    line: int
    column: int
    anchor: str | None = None
    tag: str | None = None
    text: str = ""
    plain: bool = False


def tokens(text: str, name: str) -> Iterator[Token]:
    """Yield the tokens of a YAML text; `name` is how errors name it.

    Raises:
        ConfigError: It is not valid YAML; the message has line and column.
    """
    parser = cast("Any", YAML(typ="safe", pure=True))
    try:
        for event in cast("Iterator[object]", parser.parse(text)):
            kind = _KINDS.get(type(event))
            if kind is not None:
                yield _token(kind, event)
    except MarkedYAMLError as error:
        raise ConfigError(_describe(error, name)) from None
    except (YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{name}: this is not valid YAML: {reason}") from None


def _token(kind: TokenKind, event: Any) -> Token:
    mark = event.start_mark
    return Token(
        kind=kind,
        line=mark.line + 1,
        column=mark.column + 1,
        anchor=getattr(event, "anchor", None),
        tag=getattr(event, "tag", None),
        text=event.value if kind == "scalar" else "",
        plain=kind == "scalar" and event.style is None,
    )


def _describe(error: Any, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    reason = error.problem or error.context or "it cannot be read"
    return f"{where}: this is not valid YAML: {reason}"
