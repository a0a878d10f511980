"""update_metadata merges; count answers by filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given

from polystore.errors import InvalidRecord
from polystore.filters import F
from polystore.testing.checks import (
    asking,
    assert_raises,
    assert_refused,
    assert_same,
    fresh_workspace,
)
from polystore.testing.strategies import OBJECTS, few
from polystore.testing.values import refused_objects
from polystore.testing.vector.base import VectorTests, record, unit
from polystore.types.json_domain import check_json, merge_patch
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.vector import VectorStore
    from polystore.types.json_domain import JSONValue


class VectorMetadata(VectorTests):
    """Metadata."""

    async def test_patches_merge(self, vectors: VectorStore) -> None:
        """Null removes, objects merge, everything else replaces; vector and text stay."""
        await vectors.upsert(
            [
                VectorRecord("a", unit(1), "text", {"x": 1, "y": {"p": 1, "q": 2}, "z": [1]}),
                record("b", x=1),
            ]
        )
        before = await vectors.get("a")
        absent = await vectors.update_metadata(
            {"a": {"x": None, "y": {"q": None, "r": 3}, "z": [2], "new": "é"}}
        )
        assert absent == []
        after = await vectors.get("a")
        assert before is not None
        assert after is not None
        assert after.metadata == {"y": {"p": 1, "r": 3}, "z": [2], "new": "é"}
        assert after.text == "text"
        assert np.array_equal(np.asarray(after.vector), unit(1))
        assert after.version > before.version
        assert after.created_at == before.created_at
        other = await vectors.get("b")
        assert other is not None
        assert other.metadata == {"x": 1}

    async def test_absent_ids_come_back_in_order(self, vectors: VectorStore) -> None:
        """What is absent is named, in order, and not created; the others are patched."""
        await vectors.upsert([record("a"), record("c")])
        absent = await vectors.update_metadata(
            {"z": {"n": 1}, "a": {"n": 1}, "b": {"n": 1}, "c": {"n": 2}, "A": {"n": 1}}
        )
        assert absent == ["z", "b", "A"]
        assert await vectors.count() == 2
        assert [r and r.metadata for r in await vectors.get_many(["a", "c"])] == [
            {"n": 1},
            {"n": 2},
        ]

    @asking("eq", "exists", "contains")
    async def test_filters_see_patches(self, typed: VectorStore) -> None:
        """Patched metadata is what filters and searches see, declared fields too."""
        await typed.upsert([record("a", whole=1, text="x"), record("b", whole=1, text="x")])
        await typed.update_metadata({"a": {"whole": 2, "text": None, "tags": ["t"]}})
        for filter_, ids in (
            (F("whole") == 2, ["a"]),
            (F("whole") == 1, ["b"]),
            (F("text").exists(), ["b"]),
            (F("tags").contains("t"), ["a"]),
        ):
            assert [r.id async for r in typed.scan(filter_)] == ids
            assert await typed.count(filter_) == len(ids)

    async def test_refused_patches(self, vectors: VectorStore) -> None:
        """A patch outside the domain is refused, and none of the call is applied."""
        await vectors.upsert([record("a", n=1), record("b", n=1)])
        for patch in refused_objects()[::4]:
            await assert_refused(
                vectors,
                InvalidRecord,
                lambda patch=patch: vectors.update_metadata({"a": {"n": 2}, "b": patch}),
            )

    async def test_declared_types_are_checked(self, typed: VectorStore) -> None:
        """A declared field holds its type or null; anything else is refused, patched or stored."""
        fine: dict[str, Any] = {
            "text": "a",
            "whole": 1,
            "number": 1.5,
            "flag": True,
            "tags": [1, "a"],
        }
        await typed.upsert([record("a", **fine)])
        wrong: dict[str, Any] = {"text": 1, "whole": "1", "number": "1", "flag": 1, "tags": "a"}
        for name, value in wrong.items():
            await assert_raises(
                InvalidRecord, lambda n=name, v=value: typed.upsert([record("a", **{n: v})])
            )
            await assert_raises(
                InvalidRecord, lambda n=name, v=value: typed.update_metadata({"a": {n: v}})
            )
        await assert_raises(InvalidRecord, lambda: typed.upsert([record("a", whole=True)]))
        await typed.upsert([record("b", **dict.fromkeys(fine))])
        stored = await typed.get_many(["a", "b"])
        assert [r and r.metadata for r in stored] == [fine, dict.fromkeys(fine)]

    @few
    @given(data=OBJECTS, patch=OBJECTS)
    async def test_any_patch(
        self, client: Polystore, data: dict[str, JSONValue], patch: dict[str, JSONValue]
    ) -> None:
        """Whatever is merged, the result is that of RFC 7396."""
        vectors = client.workspace(fresh_workspace()).vector("kit_vectors")
        await vectors.upsert([VectorRecord("a", unit(0), None, dict(data))])
        await vectors.update_metadata({"a": patch})
        stored = await vectors.get("a")
        assert stored is not None
        assert_same(stored.metadata, check_json(merge_patch(data, patch)))
