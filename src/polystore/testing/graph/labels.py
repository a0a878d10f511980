"""Searching for nodes by the text of their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.errors import InvalidRecord
from polystore.testing.checks import assert_raises, declared, fresh_workspace
from polystore.testing.graph.base import GraphTests
from polystore.testing.outcomes import note_declared
from polystore.testing.values import LONG_KEYS, ODD_TEXTS, REFUSED_TEXTS
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.graph import GraphStore

IDS = (
    "Alan Turing",
    "alan turing",
    "Alan",
    "Alan Kay",
    "Kay Alan",
    "Balance",
    "BALANCE sheet",
    "Grace Hopper",
    "100% cotton",
    "snake_case",
    "snakeXcase",
    "back\\slash",
    "Übermut",
)


async def search_labels(graph: GraphStore) -> None:
    """Use what `label_search` declares."""
    await graph.search_labels("a")


async def found(graph: GraphStore, text: str, limit: int = 50) -> list[str]:
    """Return the ids found whose score is not that of a fuzzy match: they contain the text."""
    matches = await graph.search_labels(text, limit=limit)
    assert len({match.id for match in matches}) == len(matches)
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    return [match.id for match in matches if text.lower() in match.id.lower()]


class GraphLabels(GraphTests):
    """Label search."""

    @declared(Feature.LABEL_SEARCH, otherwise=search_labels)
    async def test_order(self, graph: GraphStore) -> None:
        """In any letter case: equal ids, then those that begin so, then those that contain it."""
        await graph.upsert_nodes([Node(id_) for id_ in IDS])
        for text in ("alan", "ALAN", "Alan"):
            assert await found(graph, text) == [
                "Alan",
                "Alan Kay",
                "Alan Turing",
                "alan turing",
                "BALANCE sheet",
                "Balance",
                "Kay Alan",
            ], text
        assert await found(graph, "alan turing") == ["Alan Turing", "alan turing"]
        assert await found(graph, "hopper") == ["Grace Hopper"]
        assert await found(graph, "alan", 2) == ["Alan", "Alan Kay"]
        exact = (await graph.search_labels("Grace Hopper"))[0]
        assert tuple(exact) == ("Grace Hopper", 1.0)

    @declared(Feature.LABEL_SEARCH, otherwise=search_labels)
    async def test_taken_literally(self, graph: GraphStore) -> None:
        """No wildcards and no query language."""
        await graph.upsert_nodes([Node(id_) for id_ in IDS])
        assert await found(graph, "%") == ["100% cotton"]
        assert await found(graph, "0%") == ["100% cotton"]
        assert await found(graph, "e_c") == ["snake_case"]
        assert await found(graph, "\\") == ["back\\slash"]
        assert await found(graph, "übermut") == ["Übermut"]
        assert await found(graph, "zzzzzz") == []
        assert await graph.search_labels("") == []

    @declared(Feature.LABEL_SEARCH, otherwise=search_labels)
    async def test_label_search_odd_ids(self, graph: GraphStore) -> None:
        """Every id is found by itself, first, with the score of an exact match."""
        ids = [*ODD_TEXTS, *LONG_KEYS]
        await graph.upsert_nodes([Node(id_) for id_ in ids])
        for id_ in ids:
            matches = await graph.search_labels(id_, limit=5)
            equal = [match.id for match in matches if match.score == 1.0]
            assert id_ in equal, id_

    @declared(Feature.LABEL_SEARCH, otherwise=search_labels)
    async def test_own_workspace_only(self, graph: GraphStore, client: Polystore) -> None:
        """Ids of other workspaces are not found."""
        other = client.workspace(fresh_workspace()).graph("kit_graph")
        await other.upsert_nodes([Node("zebra")])
        assert await graph.search_labels("zebra") == []

    @declared(Feature.LABEL_SEARCH, otherwise=search_labels)
    async def test_typing_errors(self, graph: GraphStore) -> None:
        """A letter too many, too few or another is forgiven where `fuzzy_labels` is declared."""
        fuzzy = Feature.FUZZY_LABELS in (await graph.capabilities()).features
        note_declared(Feature.FUZZY_LABELS, declared=fuzzy)
        await graph.upsert_nodes([Node(id_) for id_ in IDS])
        for text in ("Grace Hoper", "Grace Hoppper", "Grase Hopper"):
            matches = await graph.search_labels(text)
            assert ("Grace Hopper" in [match.id for match in matches]) is fuzzy, text

    async def test_refused_texts(self, graph: GraphStore) -> None:
        """NUL, lone surrogates and senseless limits are refused."""
        for text in REFUSED_TEXTS:
            await assert_raises(InvalidRecord, lambda text=text: graph.search_labels(text))
        await assert_raises(InvalidRecord, lambda: graph.search_labels("a", limit=0))
