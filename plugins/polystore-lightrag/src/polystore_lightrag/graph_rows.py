"""Entities and relations as polystore's nodes and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from polystore.types.records import EdgeKey
from polystore_lightrag.keys import is_short, stored_key

if TYPE_CHECKING:
    from polystore.types.records import Edge, Node

EDGE_TYPE: Final = "related"
_NAME: Final = "polystore_name"
"""A property beside an entity's own: its name, where that is too long to be the node's id."""
_ENDS: Final = "polystore_ends"
"""The same for the two ends of an edge."""


def edge_key(source: str, target: str) -> EdgeKey:
    """Return the key of the one edge between two nodes, whichever way round they are named."""
    return joined(stored_key(source), stored_key(target))


def joined(one: str, other: str) -> EdgeKey:
    """Return the key of the edge between two nodes, given their stored keys."""
    return EdgeKey(one, EDGE_TYPE, other) if one <= other else EdgeKey(other, EDGE_TYPE, one)


def new_node(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored of a node."""
    return properties if is_short(name) else {**properties, _NAME: name}


def new_edge(source: str, target: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return what is stored of an edge."""
    if is_short(source) and is_short(target):
        return properties
    return {**properties, _ENDS: [source, target]}


def node_name(node: Node) -> str:
    """Return an entity's name."""
    return cast("str", node.properties.get(_NAME, node.id))


def node_properties(node: Node) -> dict[str, Any]:
    """Return an entity's own properties."""
    return _without(node.properties, _NAME)


def ends_of(edge: Edge) -> tuple[str, str]:
    """Return the names of the two ends."""
    source, target = cast("list[str]", edge.properties.get(_ENDS, [edge.source, edge.target]))
    return source, target


def edge_properties(edge: Edge) -> dict[str, Any]:
    """Return a relation's own properties."""
    return _without(edge.properties, _ENDS)


def _without(properties: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in properties:
        return properties  # as most are; nobody else has what was read
    return {key: value for key, value in properties.items() if key != name}
