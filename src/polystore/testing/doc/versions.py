"""Versions of documents, compare_and_set and put_if_absent, alone and in races."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from polystore.errors import Conflict, InvalidRecord
from polystore.testing.checks import asking, assert_refused
from polystore.testing.doc.base import DocTests

if TYPE_CHECKING:
    from polystore.stores.doc import DocStore

TASKS = 20


async def version_of(docs: DocStore, id_: str) -> int:
    """Return the version of a document that is there."""
    document = await docs.get_document(id_)
    assert document is not None
    return document.version


class DocVersions(DocTests):
    """Optimistic concurrency."""

    @asking("eq")
    async def test_versions_are_not_used_again(self, docs: DocStore) -> None:
        """Versions grow over every write and every kind of delete."""
        versions = [0]
        for round_ in range(6):
            await docs.put("a", {"v": 1})
            versions.append(await version_of(docs, "a"))
            await docs.put("a", {"v": 1})
            versions.append(await version_of(docs, "a"))
            if round_ % 3 == 0:
                await docs.delete("a")
            elif round_ % 3 == 1:
                await docs.delete(filter={"v": 1})
            else:
                await docs.clear()
        assert versions == sorted(set(versions))
        await docs.put("a", {"v": 2})
        for stale in versions[1:]:
            await assert_refused(
                docs, Conflict, lambda stale=stale: docs.compare_and_set("a", {}, stale)
            )

    async def test_compare_and_set(self, docs: DocStore) -> None:
        """It stores at the right version only, and returns the new one."""
        await assert_refused(docs, Conflict, lambda: docs.compare_and_set("a", {}, 5))
        await assert_refused(docs, InvalidRecord, lambda: docs.compare_and_set("a", {}, -1))
        first = await docs.compare_and_set("a", {"n": 1}, 0)
        assert first == await version_of(docs, "a")
        second = await docs.compare_and_set("a", {"n": 2}, first)
        assert second > first
        assert second == await version_of(docs, "a")
        for wrong in (0, first, second + 1):
            await assert_refused(
                docs, Conflict, lambda wrong=wrong: docs.compare_and_set("a", {}, wrong)
            )
        assert await docs.get("a") == {"n": 2}

    async def test_put_if_absent(self, docs: DocStore) -> None:
        """It stores only where nothing is, and says so; also of many at the same time."""
        answers = await asyncio.gather(*(docs.put_if_absent("a", {"n": n}) for n in range(TASKS)))
        assert sorted(answers) == [False] * (TASKS - 1) + [True]
        assert await docs.get("a") == {"n": answers.index(True)}
        await docs.delete("a")
        assert await docs.put_if_absent("a", {"n": -1}) is True

    async def test_a_counter_loses_no_increment(self, docs: DocStore) -> None:
        """Tasks that retry on Conflict count up exactly."""
        await docs.put("counter", {"n": 0})

        async def increment() -> None:
            while True:
                document = await docs.get_document("counter")
                assert document is not None
                try:
                    await docs.compare_and_set(
                        "counter", {"n": document.data["n"] + 1}, document.version
                    )
                except Conflict:
                    continue
                return

        await asyncio.gather(*(increment() for _ in range(TASKS)))
        assert await docs.get("counter") == {"n": TASKS}
