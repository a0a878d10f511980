"""YAML text to plain data, by YAML 1.2 rules, with the line of every key.

The data is built here from the parser's tokens rather than by its constructors: so nothing but
mappings with string keys, lists and scalars can come out, duplicate keys are seen with both their
lines, and what aliases expand to is counted before it is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from polystore.config.limits import MAX_DEPTH, MAX_VALUES
from polystore.config.origin import KeyPath, show_path
from polystore.config.problems import raise_problems
from polystore.config.scalars import TAG_PREFIX, Scalar, plain_value, show_tag, tagged_value
from polystore.config.yaml_events import Token, tokens
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAGS = {"list": f"{TAG_PREFIX}seq", "mapping": f"{TAG_PREFIX}map"}

Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"


@dataclass(slots=True)
class Node:
    """A value with its place, and how many values it expands to."""

    line: int
    value: Scalar | list[Node] | dict[str, Entry]
    size: int = 1


@dataclass(slots=True)
class Entry:
    """A key's line and its value."""

    line: int
    node: Node


@dataclass(slots=True)
class ParsedYAML:
    """A file's data and the line of each key and list item."""

    data: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])


def parse_yaml(text: str, name: str) -> ParsedYAML:
    """Return the data of a YAML text, whose top level is a mapping; an empty text is `{}`.

    Args:
        text: The text.
        name: How errors name it.

    Raises:
        ConfigError: It is no YAML, or holds what a configuration may not: duplicate or non-string
            keys, tags of other types than the core schema's, several documents, too much.
    """
    builder = _Builder(name, tokens(text, name))
    root = builder.document()
    raise_problems(name, builder.problems)
    if root is None or root.value is None:
        return ParsedYAML()
    if not isinstance(root.value, dict):
        raise ConfigError(f"{name}:{root.line}: the top level must be a mapping of keys to values")
    parsed = ParsedYAML()
    parsed.data = cast("dict[str, Any]", _plain(root, (), parsed.lines))
    return parsed


def _plain(node: Node, path: KeyPath, lines: dict[KeyPath, int]) -> Value:
    if isinstance(node.value, dict):
        data: dict[str, Value] = {}
        for key, entry in node.value.items():
            lines[*path, key] = entry.line
            data[key] = _plain(entry.node, (*path, key), lines)
        return data
    if isinstance(node.value, list):
        items: list[Value] = []
        for position, item in enumerate(node.value):
            lines[*path, position] = item.line
            items.append(_plain(item, (*path, position), lines))
        return items
    return node.value


class _Builder:
    """Builds nodes from tokens, recursively, and collects the problems that allow to go on."""

    def __init__(self, name: str, stream: Iterator[Token]) -> None:
        self.problems: list[tuple[int, str]] = []
        self._name = name
        self._tokens = stream
        self._anchors: dict[str, Node | None] = {}

    def document(self) -> Node | None:
        """Return the root of the only document, or None if there is none."""
        root: Node | None = None
        for token in self._tokens:
            if root is not None:
                raise self._error(token, "a second document begins; put all into one")
            root = self._node(next(self._tokens), (), 0)
        return root

    def _error(self, token: Token, text: str) -> ConfigError:
        return ConfigError(f"{self._name}:{token.line}:{token.column}: {text}")

    def _problem(self, line: int, text: str) -> None:
        self.problems.append((line, f"{self._name}:{line}: {text}"))

    def _node(self, token: Token, path: KeyPath, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._error(token, f"nested deeper than {MAX_DEPTH} levels")
        if token.kind == "alias":
            return self._alias(token)
        if token.anchor is not None:
            self._anchors[token.anchor] = None  # an alias inside it would never end
        node = self._content(token, path, depth)
        if node.size > MAX_VALUES:
            raise self._error(token, f"more than {MAX_VALUES} values, with aliases expanded")
        if token.anchor is not None:
            self._anchors[token.anchor] = node
        return node

    def _alias(self, token: Token) -> Node:
        name = token.anchor or ""
        if name not in self._anchors:
            raise self._error(token, f"the alias *{name} refers to no anchor above it")
        target = self._anchors[name]
        if target is None:
            raise self._error(token, f"the alias *{name} lies inside what it refers to")
        return Node(token.line, target.value, target.size)

    def _content(self, token: Token, path: KeyPath, depth: int) -> Node:
        if token.kind == "scalar":
            return Node(token.line, self._scalar(token, path))
        if token.tag is not None and token.tag not in ("!", _TAGS[token.kind]):
            raise self._error(token, f"the tag {show_tag(token.tag)} is not allowed; remove it")
        if token.kind == "list":
            return self._list(token, path, depth)
        return self._mapping(token, path, depth)

    def _scalar(self, token: Token, path: KeyPath) -> Scalar:
        try:
            if token.tag is not None:
                return tagged_value(token.tag, token.text)
            return plain_value(token.text) if token.plain else token.text
        except ValueError as error:
            place = f"{show_path(path)}: " if path else ""
            self._problem(token.line, f"{place}{error}")
            return None

    def _list(self, start: Token, path: KeyPath, depth: int) -> Node:
        items: list[Node] = []
        for token in self._tokens:
            if token.kind == "end":
                break
            items.append(self._node(token, (*path, len(items)), depth + 1))
        return Node(start.line, items, 1 + sum(item.size for item in items))

    def _mapping(self, start: Token, path: KeyPath, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        merge: Node | None = None
        for token in self._tokens:
            if token.kind == "end":
                break
            key = self._key(token, path, depth)
            value = self._node(next(self._tokens), (*path, key or ""), depth + 1)
            if key == "<<" and token.plain:
                if merge is not None:
                    self._problem(token.line, "`<<` is given twice; give it one list")
                merge = value
            elif key is not None:
                self._enter(entries, key, Entry(token.line, value), path)
        if merge is not None:
            self._merge(entries, merge)
        return Node(start.line, entries, 1 + sum(entry.node.size for entry in entries.values()))

    def _key(self, token: Token, path: KeyPath, depth: int) -> str | None:
        node = self._node(token, path, depth + 1)
        if isinstance(node.value, str):
            return node.value
        shown = ""
        if token.kind == "scalar":
            shown = f": {token.text}; put it in quotes" if token.text else "; it is empty"
        inside = f" of {show_path(path)}" if path else ""
        self._problem(token.line, f"a key{inside} is not a text{shown}")
        return None

    def _enter(self, entries: dict[str, Entry], key: str, entry: Entry, path: KeyPath) -> None:
        if key in entries:
            text = f"{show_path((*path, key))} is given twice, first at line {entries[key].line}"
            self._problem(entry.line, text)
            return
        entries[key] = entry

    def _merge(self, entries: dict[str, Entry], value: Node) -> None:
        """Take over the entries of `<<`: a mapping's own keys win, then the first in the list."""
        for source in value.value if isinstance(value.value, list) else [value]:
            if not isinstance(source.value, dict):
                self._problem(value.line, "`<<` takes a mapping or a list of mappings")
                continue
            for key, entry in source.value.items():
                entries.setdefault(key, entry)
