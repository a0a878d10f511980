"""Patch merges, by RFC 7396."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from hypothesis import given

from polystore.errors import Conflict, InvalidRecord
from polystore.testing.checks import assert_refused, assert_same, fresh_workspace
from polystore.testing.doc.base import INDEXED, DocTests
from polystore.testing.strategies import OBJECTS, few
from polystore.testing.values import refused_objects
from polystore.types.json_domain import check_json, merge_patch

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.doc import DocStore
    from polystore.types.json_domain import JSONValue

RFC_7396: Final[tuple[tuple[Any, Any, Any], ...]] = (
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
)
"""Original, patch and result of every example in appendix A of RFC 7396."""


def _under(key: str, value: Any) -> dict[str, Any]:
    return {key: value}


class DocPatches(DocTests):
    """Patches."""

    @pytest.mark.parametrize(("original", "patch", "result"), RFC_7396)
    async def test_rfc_examples(
        self, docs: DocStore, original: Any, patch: Any, result: Any
    ) -> None:
        """Every example of the RFC, under a key where it is not of objects; the rest stays."""
        if not isinstance(original, dict) or not isinstance(patch, dict):
            original, patch = _under("d", original) | {"kept": 1}, _under("d", patch)
            # A patch of null removes, so that what is under the key is gone.
            result = {"kept": 1} if result is None else {"kept": 1, "d": result}
        await docs.put("d", cast("dict[str, Any]", original))
        answer = await docs.patch("d", cast("dict[str, Any]", patch))
        assert answer is not None
        assert_same(answer.data, result)
        assert_same(await docs.get("d"), result)

    async def test_patch_returns_what_is_stored(self, docs: DocStore) -> None:
        """The answer is the document as it is now, with its new version; created_at stays."""
        await docs.put("a", {"x": 1})
        before = await docs.get_document("a")
        answer = await docs.patch("a", {"y": 2})
        assert answer == await docs.get_document("a")
        assert answer is not None
        assert before is not None
        assert answer.version > before.version
        assert answer.created_at == before.created_at

    async def test_patch_never_creates(self, docs: DocStore) -> None:
        """A patch of an absent document gives None and creates nothing."""
        assert await docs.patch("a", {"x": 1}) is None
        assert await docs.count() == 0
        await assert_refused(docs, Conflict, lambda: docs.patch("a", {"x": 1}, version=3))

    async def test_patch_of_a_version(self, docs: DocStore) -> None:
        """A patch that names a version applies to that version only."""
        await docs.put("a", {"x": 1})
        first = await docs.get_document("a")
        assert first is not None
        second = await docs.patch("a", {"x": 2}, version=first.version)
        assert second is not None
        await assert_refused(
            docs, Conflict, lambda: docs.patch("a", {"x": 3}, version=first.version)
        )
        assert await docs.get("a") == {"x": 2}

    async def test_refused_patches(self, docs: DocStore) -> None:
        """A patch outside the domain is refused, and the document stays."""
        await docs.put("a", {"x": 1})
        for patch in refused_objects()[::3]:
            await assert_refused(docs, InvalidRecord, lambda patch=patch: docs.patch("a", patch))

    async def test_concurrent_patches_all_arrive(self, docs: DocStore) -> None:
        """Patches of different fields at the same time lose nothing of one another."""
        await docs.put("a", {})
        await asyncio.gather(*(docs.patch("a", {f"f{n}": n}) for n in range(4)))
        assert await docs.get("a") == {f"f{n}": n for n in range(4)}

    @few
    @given(data=OBJECTS, patch=OBJECTS)
    async def test_any_patch(
        self, client: Polystore, data: dict[str, JSONValue], patch: dict[str, JSONValue]
    ) -> None:
        """Whatever is merged, the result is that of the RFC's algorithm."""
        docs = client.workspace(fresh_workspace()).doc(INDEXED)
        await docs.put("d", data)
        await docs.patch("d", patch)
        assert_same(await docs.get("d"), check_json(merge_patch(data, patch)))
