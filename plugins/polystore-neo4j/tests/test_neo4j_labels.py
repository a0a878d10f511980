"""Label search: what other workspaces hold neither hides nor slows down what this one does."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from polystore import Node
from polystore_neo4j.labels import part_question
from polystore_neo4j.rows import found_by, tag_of

from .clients import client_of

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


async def test_parts_that_are_common_elsewhere(block: dict[str, Any]) -> None:
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


async def test_parts_of_words_longer_than_the_index_keeps(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        graph = ps.graph("knowledge")
        long = "a" * 150 + "needle" + "b" * 150

        async def parts_found(text: str) -> list[str]:
            return [match.id for match in await graph.search_labels(text) if match.score > 0.5]

        await graph.upsert_nodes([Node(f"on {long} and on"), Node("a" * 99), Node("needles")])
        for text in ("NEEDLE", "eedleb", "b" * 120, f"n {long} an", f"{'a' * 101}needle"):
            found = await parts_found(text)
            wanted = ["needles"] if text == "NEEDLE" else []
            assert found == [*wanted, f"on {long} and on"], text
        assert await parts_found("a" * 98) == ["a" * 99, f"on {long} and on"]
        assert await parts_found("a" * 151) == []


_LETTERS = st.text("abAB1 -_.:ß*?", max_size=12)


@given(_LETTERS, _LETTERS, _LETTERS)
@settings(max_examples=500, deadline=None)
def test_what_is_asked_of_the_index_leaves_no_part_out(first: str, text: str, last: str) -> None:
    id_ = first + text + last
    question = part_question("w", text.casefold())
    if question is None:
        return
    words = (found_by(tag_of("w"), id_)["near"] or "").split()
    for asked in question.split(" AND "):
        patterns = re.findall(r"near:([^ )]+)", asked)
        assert any(fnmatchcase(word, pattern) for word in words for pattern in patterns), asked
