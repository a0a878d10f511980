"""Rows that name rows of another store that are not there, over engines that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

import polystore
from polystore import Node, VectorRecord
from polystore.errors import ConfigError
from polystore.health import orphans as looking

if TYPE_CHECKING:
    from polystore.types.reports import Finding

STORES: dict[str, Any] = {
    "documents": {"kind": "doc"},
    "cache": {"kind": "kv"},
    "people": {"kind": "graph", "backend": "other"},
    "chunks": {"kind": "vector", "dimensions": 2, "fields": {"doc_id": "string"}},
    "notes": {"kind": "doc", "backend": "other"},
}


def configured(relations: dict[str, Any]) -> dict[str, Any]:
    backends = {"main": {"use": "memory"}, "other": {"use": "memory"}}
    defaults = {"doc": "main", "kv": "main", "vector": "main", "graph": "main"}
    return {
        "backends": backends,
        "defaults": defaults,
        "stores": STORES,
        "relations": relations,
    }


async def told(ps: polystore.Polystore) -> dict[str | None, Finding]:
    findings = await ps.doctor(deep=True)
    return {finding.store: finding for finding in findings if finding.check == "orphans"}


def chunk(id_: str, **metadata: Any) -> VectorRecord:
    return VectorRecord(id_, [1.0, 0.0], None, metadata)


async def test_all_are_counted_and_the_first_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_ROWS", 7)  # several pages
    config = configured({"chunks": {"doc_id": "documents"}})
    async with polystore.open(config, schema="auto") as ps:
        await ps.doc("documents").put_many({f"d{n}": {} for n in range(10)})
        await ps.workspace("acme").doc("documents").put("d20", {})
        await ps.vector("chunks").upsert(
            chunk(f"c{n:02}", doc_id=f"d{n}", other=n) for n in range(30)
        )
        await ps.vector("chunks").upsert([chunk("free"), chunk("null", doc_id=None)])
        found = (await told(ps))["chunks"]
        assert (found.severity, found.backend) == ("warning", "main")
        # Another tenant's document is not this one's.
        assert found.message.startswith("20 of 30 rows name in doc_id what documents has not: ")
        assert "default/c10, default/c11, " in found.message
        assert found.message.count("/c") == 10
        assert found.message.endswith(", ...")
        await ps.vector("chunks").delete([f"c{n:02}" for n in range(10, 30)])
        found = (await told(ps))["chunks"]
        assert found.severity == "ok"
        assert "all 10 rows" in found.message
        assert [f for f in await ps.doctor() if f.check == "orphans"] == []  # not unless asked


@pytest.mark.parametrize("target", ["documents", "cache", "people", "chunks"])
async def test_every_kind_names_every_kind(target: str) -> None:
    sources = ("notes", "cache", "people", "chunks")
    config = configured({source: {"of.it": target} for source in sources})
    async with polystore.open(config, schema="auto") as ps:
        await ps.doc("documents").put("there", {})
        await ps.kv("cache").put("there", b"bytes name nothing")
        await ps.graph("people").upsert_nodes([Node("there")])
        await ps.vector("chunks").upsert([chunk("there")])
        # One that is there, one that is not, several, what is no id, and none.
        fields: list[Any] = ["there", "gone", ["there", "gone"], ["there"], 7, "", "x" * 2000, None]
        rows: dict[str, Any] = {f"r{n}": {"of": {"it": value}} for n, value in enumerate(fields)}
        await ps.doc("notes").put_many(rows)
        await ps.kv("cache").put_many(rows | {"text": "no object"})
        await ps.graph("people").upsert_nodes(Node(id_, (), row) for id_, row in rows.items())
        await ps.vector("chunks").upsert(chunk(id_, **row) for id_, row in rows.items())
        found = await told(ps)
    for source in sources:
        message = found[source].message
        assert message.startswith("5 of 7 rows"), message
        assert [f"r{n}" in message for n in range(8)] == [n in (1, 2, 4, 5, 6) for n in range(8)]


async def test_what_is_deleted_between_two_looks_is_no_orphan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = configured({"chunks": {"doc_id": "documents"}})
    async with polystore.open(config, schema="auto") as ps:
        await ps.doc("documents").put_many({"a": {}, "b": {}})
        await ps.vector("chunks").upsert([chunk("of a", doc_id="a"), chunk("of b", doc_id="b")])
        plain = cast("Any", looking)._missing

        async def meanwhile(*arguments: Any) -> set[str]:
            await ps.doc("documents").delete(["a"])
            missing = await plain(*arguments)
            await ps.vector("chunks").delete(["of a"])
            return missing

        monkeypatch.setattr(looking, "_missing", meanwhile)
        assert (await told(ps))["chunks"].severity == "ok"


@pytest.mark.parametrize(
    ("relations", "wrong"),
    [
        ({"chunk": {"doc_id": "documents"}}, "the store 'chunk' is not declared"),
        ({"chunks": {"doc_id": "document"}}, "the store 'document' is not declared"),
        ({"chunks": {"meta:id": "documents"}}, "names no id"),
        ({"chunks": {"a..b": "documents"}}, "relations"),
    ],
)
def test_a_relation_that_makes_no_sense_is_refused(relations: Any, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        polystore.open(configured(relations))
