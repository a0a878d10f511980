"""What the application does with citations and friends: graph stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matrix import questions
from matrix.library import edges, friends, nodes, paper_id
from polystore import Edge, Node
from polystore.capabilities import Feature

if TYPE_CHECKING:
    from matrix.answers import Notes
    from polystore.client import Stores
    from polystore.stores.graph import GraphStore
    from polystore.types.batches import Direction
    from polystore.types.records import GraphPath

DIRECTIONS: tuple[Direction, ...] = ("in", "out", "both")
ADA = "Ada Lovelace 3"


async def ingest_graph(ps: Stores, notes: Notes) -> None:
    """Write nodes and edges; edges whose ends come later make them."""
    graph = ps.graph("citations")
    await graph.upsert_edges(edges())
    notes.exact("graph: ends are made", list(await graph.count()))
    await graph.upsert_nodes(nodes())
    await graph.upsert_edges([*edges()[:30], Edge(paper_id(0), "cites", paper_id(1), {"twice": 1})])
    notes.exact("graph: count", list(await graph.count()))
    notes.exact("graph: nodes", [_node(one) async for one in graph.scan_nodes(batch=9)])
    found = [_edge(one) async for one in graph.scan_edges(batch=13)]
    notes.exact("graph: edges", sorted(found, key=lambda one: one[:3]))
    others = ps.graph("friends")
    await others.upsert_edges(friends())
    await others.upsert_edges([Edge("f01", "knows", "f00", {"n": "turned round"})])


def _node(node: Node | None) -> Any:
    return node and [node.id, list(node.labels), node.properties]


def _edge(edge: Edge | None) -> Any:
    return edge and [edge.source, edge.type, edge.target, edge.properties]


def _path(path: GraphPath | None) -> Any:
    return None if path is None else [path.nodes, [_edge(edge) for edge in path.edges]]


async def look_around(ps: Stores, notes: Notes) -> None:
    """Read nodes, edges, neighbours and degrees."""
    graph = ps.graph("citations")
    ids = [ADA, "gone", paper_id(7), ADA, paper_id(20), paper_id(8)]
    notes.exact("graph: nodes by id", [_node(one) for one in await graph.get_nodes(ids)])
    keys = [
        (paper_id(0), "cites", paper_id(1)),
        (paper_id(0), "extends", paper_id(1)),
        (paper_id(1), "cites", paper_id(0)),
        (paper_id(8), "cites", paper_id(8)),
        (ADA, "wrote `it`", paper_id(3)),
    ]
    notes.exact("graph: edges by key", [_edge(one) for one in await graph.get_edges(keys)])
    for way in DIRECTIONS:
        around = await graph.edges_of(ids, direction=way)
        notes.exact(f"graph: edges {way}", [[_edge(edge) for edge in part] for part in around])
        notes.exact(f"graph: degrees {way}", await graph.degrees(ids, direction=way))
        notes.exact(f"graph: top {way}", [list(n) for n in await graph.top_nodes(7, direction=way)])
        near = await graph.neighbors_many(ids, direction=way, types=["extends", "wrote `it`"])
        notes.exact(f"graph: neighbours {way}", near)
    for name, filter_ in questions.NODES.items():
        name = f"graph: {name}"
        if not await notes.evaluates(name, graph, filter_):
            await notes.refuses(name, graph.find_nodes(filter_))
            continue
        found, cursor = list[str](), None
        while True:
            page = await graph.find_nodes(filter_, limit=4, cursor=cursor, total=True)
            found += [node.id for node in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        notes.exact(name, {"ids": found, "total": page.total})
        notes.exact(f"{name}: count", await graph.count_nodes(filter_))


async def walk(ps: Stores, notes: Notes) -> None:
    """Follow edges: subgraphs and shortest paths."""
    graph = ps.graph("citations")
    for way in DIRECTIONS:
        for depth, most in ((0, 10), (1, 1000), (2, 12), (3, 25), (2, 1)):
            part = await graph.subgraph(
                [paper_id(3), "gone", ADA], depth=depth, max_nodes=most, direction=way
            )
            name = f"graph: {depth} steps {way}, {most} nodes"
            notes.exact(name, [[one.id for one in part.nodes], part.truncated])
            notes.exact(f"{name}: edges", [_edge(edge) for edge in part.edges])
    typed = await graph.subgraph(paper_id(0), depth=4, types=["extends"])
    notes.exact("graph: steps of a type", [_node(one) for one in typed.nodes])
    for source, target in ((3, 9), (9, 3), (0, 39), (5, 5)):
        for way in DIRECTIONS:
            path = await graph.shortest_path(paper_id(source), paper_id(target), direction=way)
            notes.exact(f"graph: path {source} to {target} {way}", _path(path))
    unreached = await graph.shortest_path(paper_id(3), ADA, direction="out")
    notes.exact("graph: no path", unreached)
    near = await graph.shortest_path(paper_id(3), paper_id(19), direction="out", max_depth=1)
    notes.exact("graph: no path so short", near)
    await _friends(ps.graph("friends"), notes)


async def _friends(graph: GraphStore, notes: Notes) -> None:
    notes.exact("graph: friends", list(await graph.count()))
    both = await graph.get_edges([("f00", "knows", "f01"), ("f01", "knows", "f00")])
    notes.exact("graph: one edge either way", [_edge(one) for one in both])
    notes.exact("graph: friends near", await graph.neighbors("f03", direction="out"))
    ids = [f"f{n:02d}" for n in range(16)]
    notes.exact("graph: friends' degrees", await graph.degrees(ids, direction="in"))
    part = await graph.subgraph("f01", depth=2)
    notes.exact("graph: friends of friends", [one.id for one in part.nodes])
    path = await graph.shortest_path("f02", "f14")
    notes.exact("graph: from friend to friend", _path(path))


async def find_people(ps: Stores, notes: Notes) -> None:
    """Find nodes by what their names look like."""
    graph = ps.graph("citations")
    for text in ("ada lovelace 3", "ADA", "lace", "p0", "{tag}", "nobody at all"):
        name = f"graph: called {text!r}"
        if await notes.declares(name, graph, Feature.LABEL_SEARCH):
            found = [match.id for match in await graph.search_labels(text, limit=100)]
            # What has typing errors in it comes after these, and is the engine's own choice.
            notes.exact(name, [id_ for id_ in found if text.casefold() in id_.casefold()])
        else:
            await notes.refuses(name, graph.search_labels(text))


async def cut(ps: Stores, notes: Notes) -> None:
    """Replace and delete nodes and edges."""
    graph = ps.graph("citations")
    await graph.upsert_nodes([Node(ADA, ("Person", "Author"), {"only": [1, {"this": None}]})])
    notes.exact("graph: replaced whole", _node(await graph.get_node(ADA)))
    notes.exact("graph: its edges stay", await graph.degrees([ADA]))
    refused = graph.upsert_edges([Edge(ADA, "met", "nobody")], missing_endpoints="refuse")
    await notes.error("graph: an end is missing", refused)
    notes.exact("graph: nothing was made", await graph.get_node("nobody") is None)
    await notes.error("graph: it has edges", graph.delete_nodes(ADA))
    notes.exact("graph: it is there still", await graph.get_node(ADA) is not None)
    key = (paper_id(0), "cites", paper_id(1))
    notes.exact("graph: edges deleted", await graph.delete_edges([key, key, ("a", "b", "c")]))
    notes.exact(
        "graph: the other type stays", await graph.get_edge(*key[:1], "extends", key[2]) is not None
    )
    notes.exact(
        "graph: nodes deleted", await graph.delete_nodes([ADA, paper_id(20), "gone"], detach=True)
    )
    notes.exact("graph: left", list(await graph.count()))
    notes.exact("graph: left on top", [list(one) for one in await graph.top_nodes(5)])
