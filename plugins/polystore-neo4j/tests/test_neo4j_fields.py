"""Declared fields of nodes: found by index, exact, and right while others do not know them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polystore
from polystore import F, Node
from polystore.filters import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore import Polystore
    from polystore.types.reports import Progress

VALUES: list[Any] = [
    None, True, False, 0, 1, 1.0, -1, 2**53 + 1, 2**53, -(2**63), 0.5, "", "a", "b", "ab", "é",
    "名", "x" * 600, "x" * 600 + "y", "1",
    [], ["a"], {}, {"a": 1}, "2024-01-01T00:00:00.000000Z",
]  # fmt: skip
FILTERS = [
    F("a") == "a", F("a") == 1, F("a") == True, F("a").is_null(), F("a").is_in([1, "b", None]),  # noqa: E712
    F("a").is_in([]), F("a") > 0, F("a") >= 2**53, F("a") < "b", F("a") <= "x" * 600,
    F("a") > "x" * 600, F("a") == "x" * 600, F("a").starts_with("x" * 550), F("a").starts_with(""),
    (F("a") == 1) & (F("b.c") == 3), (F("a") >= 0) & (F("a") < 2) & (F("other") == 1),
    (F("b.c") > 2) & F.meta("labels").contains("Odd"), F.meta("labels").contains("Odd"),
    F.meta("labels").contains_any(["Odd", "None"]), F("a") != 1, ~F("a").exists(),
    (F("a") == 1) | (F("b.c") == 2), F("other") == 1, F.meta("id") == "n003",
]  # fmt: skip


def _client(block: Mapping[str, Any], *indexes: str) -> Polystore:
    stores = {"knowledge": {"kind": "graph", "indexes": list(indexes)}}
    return polystore.open({"backends": {"main": dict(block)}, "stores": stores}, schema="auto")


def _nodes() -> list[Node]:
    nodes = [Node("missing", ("Odd",), {"other": 1})]
    for number, value in enumerate(VALUES):
        labels = ("Odd", "Every") if number % 2 else ("Every",)
        nodes.append(
            Node(f"n{number:03}", labels, {"a": value, "b": {"c": number}, "other": number % 3})
        )
    return nodes


async def _check(ps: Polystore) -> None:
    graph = ps.graph("knowledge")
    stored = [node async for node in graph.scan_nodes()]
    for condition in FILTERS:
        wanted = [
            node.id
            for node in stored
            if evaluate(condition, node.properties, {"id": node.id, "labels": list(node.labels)})
        ]
        found = [node.id async for node in graph.scan_nodes(condition, batch=3)]
        assert found == wanted, condition
        assert await graph.count_nodes(condition) == len(wanted), condition
        page = await graph.find_nodes(condition, limit=1000)
        assert [node.id for node in page.items] == wanted, condition


async def test_filters_on_declared_fields_mean_the_same(block: dict[str, Any]) -> None:
    async with _client(block, "a", "b.c") as ps:
        await ps.workspace("other").graph("knowledge").upsert_nodes(_nodes())
        await ps.graph("knowledge").upsert_nodes(_nodes())
        await _check(ps)
        changed = [Node(node.id, (), {"a": "changed"}) for node in _nodes()[::3]]
        await ps.graph("knowledge").upsert_nodes(changed)
        await _check(ps)


async def test_how_a_filter_is_answered(block: dict[str, Any]) -> None:
    async with _client(block, "a", "b.c") as ps:
        graph = ps.graph("knowledge")
        for condition, how, access, told in (
            (F("a") == 1, "native", "index", "index on a"),
            ((F("a") > 1) & (F("b.c") == 2), "emulated", "index", "index on b.c"),
            ((F("a") == 1) & (F("x") == 2), "emulated", "index", "index on a"),
            (F.meta("labels").contains("A"), "native", "exact", "compared by the server"),
            (F("x") == 1, "emulated", "exact", "read and compared"),
            (~(F("a") == 1), "emulated", "exact", "read and compared"),
            (None, "native", "index", "ids in order"),
        ):
            explained = await graph.explain(condition)
            assert (explained.how, explained.access) == (how, access), condition
            assert told in explained.detail[0]


async def test_a_field_declared_later_while_others_do_not_know_it(block: dict[str, Any]) -> None:
    async with _client(block, "a") as old:
        await old.graph("knowledge").upsert_nodes(_nodes())
        async with _client(block, "a", "b.c", "other") as new:
            await _check(new)
            # The old client goes on, and neither keeps the new fields nor touches them.
            changed = [Node(node.id, ("Odd",), {"a": 1, "b": {"c": 3}}) for node in _nodes()[::2]]
            await old.graph("knowledge").upsert_nodes(changed)
            await old.graph("knowledge").upsert_nodes([Node("new", (), {"b": {"c": 3}})])
            await _check(new)
            await _check(old)
            changes = [change for change in await new.plan() if change.action == "repair_index"]
            assert [change.summary for change in changes] == ["nodes lack declared fields"]
            seen: list[Progress] = []
            await new.apply(progress=seen.append)
            behind = len(changed) + 1
            assert [(told.done, told.total, told.unit) for told in seen] == [
                (0, behind, "nodes"),
                (behind, behind, "nodes"),
            ]
            assert not [c for c in await new.plan() if c.action == "repair_index"]
            await _check(new)
