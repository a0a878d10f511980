"""What lies outside the domain is refused before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidFilter, InvalidRecord, LimitExceeded
from polystore.testing.checks import assert_raises
from polystore.testing.doc.base import DocTests
from polystore.testing.outcomes import not_applicable
from polystore.testing.values import REFUSED_TEXTS, TOO_LONG_KEYS, refused_objects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.stores.doc import DocStore


def uses_of(docs: DocStore, id_: Any) -> list[Callable[[], Awaitable[Any]]]:
    """Return every call that takes an id."""
    return [
        lambda: docs.get(id_),
        lambda: docs.get_document(id_),
        lambda: docs.get_many(["a", id_]),
        lambda: docs.put(id_, {}),
        lambda: docs.put_many([("a", {"n": 2}), (id_, {})]),
        lambda: docs.put_if_absent(id_, {}),
        lambda: docs.compare_and_set(id_, {}, 0),
        lambda: docs.patch(id_, {}),
        lambda: docs.delete([id_]),
        lambda: docs.delete(["a", id_]),
    ]


class DocRefusals(DocTests):
    """Bad input."""

    async def test_ids_outside_the_domain(self, docs: DocStore) -> None:
        """Empty ids, NUL, lone surrogates and what is no text are refused everywhere."""
        await docs.put("a", {"n": 1})
        for id_ in ("", *REFUSED_TEXTS, 1, None, b"a", ("a",)):
            for use in uses_of(docs, id_):
                await assert_raises(InvalidRecord, use, about=id_)
        for id_ in TOO_LONG_KEYS:
            for use in uses_of(docs, id_):
                await assert_raises(LimitExceeded, use)
        assert await docs.get("a") == {"n": 1}
        assert await docs.count() == 1

    async def test_data_outside_the_domain(self, docs: DocStore) -> None:
        """Documents that not every engine can hold are refused; what was stored stays."""
        await docs.put("a", {"n": 1})
        bad: list[Any] = [*refused_objects(), None, 1, "a", [], [("a", 1)], b"{}"]
        for data in bad:
            about = repr(data)[:80]
            await assert_raises(InvalidRecord, lambda d=data: docs.put("a", d), about=about)
            await assert_raises(InvalidRecord, lambda d=data: docs.put_if_absent("b", d))
            await assert_raises(
                InvalidRecord, lambda d=data: docs.put_many([("c", {"fine": 1}), ("a", d)])
            )
        assert await docs.get("a") == {"n": 1}
        assert await docs.count() == 1

    async def test_one_bad_row_stores_none(self, docs: DocStore) -> None:
        """A batch with a bad document is refused as a whole, before any of it is stored."""
        rows = (await docs.capabilities()).limits.batch_rows
        good = [(f"k{n}", {"n": n}) for n in range(rows + 1)]
        refused: list[tuple[str, Any]] = [
            ("z", {"x": float("inf")}),
            ("", {}),
            ("z", {1: 1}),
            ("z", []),
        ]
        for bad in refused:
            await assert_raises(InvalidRecord, lambda bad=bad: docs.put_many([*good, bad]))
        assert await docs.count() == 0

    async def test_document_limit(self, docs: DocStore) -> None:
        """A document of exactly the declared limit is kept, one byte more is refused."""
        limit = (await docs.capabilities()).limits.value_bytes
        if limit is None:
            not_applicable("there is no such limit")
            return
        text = "x" * (limit - len('{"v":""}'))
        await docs.put("a", {"v": text})
        await assert_raises(LimitExceeded, lambda: docs.put("a", {"v": text + "x"}))
        assert await docs.get("a") == {"v": text}
        assert await docs.delete("a") == 1

    async def test_filters_without_meaning(self, docs: DocStore) -> None:
        """Filters that mean nothing are refused by every operation that takes one."""
        await docs.put("a", {"n": 1})
        senseless: tuple[Any, ...] = (
            {"n": {"$greater": 1}},
            {"$where": "1"},
            {"n": [1]},
            {"n": {"$gt": None}},
            {"n": {"$in": "abc"}},
            {"n": "\x00"},
            {"n": 2**63},
            {"n": float("nan")},
            {"meta:nothing": 1},
            "n = 1",
            ["n"],
        )
        for filter_ in senseless:
            for use in (
                lambda f=filter_: docs.find(f),
                lambda f=filter_: docs.count(f),
                lambda f=filter_: docs.delete(filter=f),
                lambda f=filter_: docs.count_by("n", f),
            ):
                await assert_raises(InvalidFilter, use, about=filter_)
        assert await docs.count() == 1
