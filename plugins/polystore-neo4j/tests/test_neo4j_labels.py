"""Label search: what other workspaces hold neither hides nor slows down what this one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore import Node
from polystore_neo4j import labels

from .clients import client_of

if TYPE_CHECKING:
    import pytest

_SIMILAR = [
    f"hoppe{chr(97 + first)}{chr(97 + second)}" for first in range(20) for second in range(20)
]


async def test_near_ids_beside_a_large_workspace_full_of_nearer_ones(
    block: dict[str, Any],
) -> None:
    async with client_of(block) as ps:
        large, small = (ps.workspace(name).graph("knowledge") for name in ("large", "small"))
        await large.upsert_nodes([Node(f"{word} {n}") for word in _SIMILAR for n in range(2)])
        await small.upsert_nodes([Node("Grace Hopper"), Node("Alan Turing")])
        # 400 words of the other workspace are as near to it as the one that is looked for.
        for text in ("Grace Hoppar", "grace hoqqer", "Grxce Hoper", "Alan Touring"):
            (match,) = await small.search_labels(text)
            assert match.id == ("Alan Turing" if "Alan" in text else "Grace Hopper"), text
            assert match.score < 0.5
        assert len(await large.search_labels("hoppar", limit=5)) == 5


async def test_workspaces_whose_names_are_nearly_alike(block: dict[str, Any]) -> None:
    names = ["w" * 256, "w" * 255, "w" * 255 + "v", "w"]
    async with client_of(block) as ps:
        for number, name in enumerate(names):
            graph = ps.workspace(name).graph("knowledge")
            await graph.upsert_nodes([Node(f"Ada Lovelace {number}")])
        for number, name in enumerate(names):
            for text in ("ada", "Ada Lovelase"):
                found = await ps.workspace(name).graph("knowledge").search_labels(text)
                assert [match.id for match in found] == [f"Ada Lovelace {number}"], text


async def test_parts_that_are_common_elsewhere(
    block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "_MOST", 20)
    async with client_of(block) as ps:
        large, small = (ps.workspace(name).graph("knowledge") for name in ("large", "small"))
        await large.upsert_nodes([Node(f"node {n:03}") for n in range(300)])
        await small.upsert_nodes([Node("Some NODE"), Node("node"), Node("nodes"), Node("x")])
        assert [(m.id, m.score) for m in await small.search_labels("Node", limit=3)] == [
            ("node", 1.0),
            ("nodes", 0.9),
            ("Some NODE", 0.8),
        ]
        found = await large.search_labels("NODE", limit=4)
        assert [match.id for match in found] == [f"node {n:03}" for n in range(4)]
        assert [match.id for match in await large.search_labels("e 29", limit=4)] == [
            f"node 29{n}" for n in range(4)
        ]


async def test_texts_that_are_long_or_like_a_workspaces_tag(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        many = " ".join(f"word{n}" for n in range(60))
        await graph.upsert_nodes(
            [Node(many), Node("東京都庁"), Node("été à la plage"), Node("a:b")]
        )
        assert [match.id for match in await graph.search_labels(many)] == [many]
        near = many.replace("word7", "ward7").replace("word33", "wird33")
        assert [match.id for match in await graph.search_labels(near)] == [many]
        assert [match.id for match in await graph.search_labels("東京都丁")] == ["東京都庁"]
        assert [match.id for match in await graph.search_labels("ete a la plage")] == [
            "été à la plage"
        ]
        assert [match.id for match in await graph.search_labels(":")] == ["a:b"]
        assert await graph.search_labels("x" * 20_000) == []
