"""A driver's own way of counting and deleting equals the derived one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from typing_extensions import override

from polystore.filters import F, Path
from polystore.stores.doc_driver import DocDriver
from polystore.testing.checks import asking, fresh_workspace
from polystore.testing.doc.base import INDEXED, DocTests
from polystore.testing.filters.corpus import FREE_FIELDS, ROWS, build_objects
from polystore.types.call import Call

if TYPE_CHECKING:
    from polystore.client import Polystore, Workspace
    from polystore.filters import Filter
    from polystore.stores.doc import DocStore
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import DocBatch
    from polystore.types.records import Document

FILTERS: Final[tuple[Filter, ...]] = (
    F("n") == 1,
    F("n") != 1,
    F("group").is_in(["x", "y"]),
    ~F("v").exists(),
    (F("group") == "x") & F("n").exists(),
    F("nobody") == 1,
    F("tags").exists(),
)
PATHS: Final = ("n", "group", "v", "in.x", "tags", "nobody")


class Derived(DocDriver):
    """Has the hooks of another driver, and derives the rest.

    Args:
        driver: Whose hooks.
    """

    def __init__(self, driver: DocDriver) -> None:
        self._driver = driver
        self.capabilities = driver.capabilities

    @override
    async def get_many(self, call: Call, ids: list[str]) -> list[Document | None]:
        return await self._driver.get_many(call, ids)

    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        await self._driver.put_many(call, batch)

    @override
    async def compare_and_set(self, call: Call, row: DocBatch, version: int) -> int | None:
        return await self._driver.compare_and_set(call, row, version)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return await self._driver.delete_many(call, ids)

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return await self._driver.find(call, query)

    @override
    async def count(self, call: Call) -> int:
        return await self._driver.count(call)

    @override
    async def clear(self, call: Call) -> int:
        return await self._driver.clear(call)


async def driver_of(space: Workspace) -> DocDriver:
    """Return the driver of the indexed store."""
    driver = await space.runtime.bound("doc", INDEXED).ready()
    assert isinstance(driver, DocDriver)
    return driver


async def fill(docs: DocStore) -> None:
    """Store documents with every kind of value."""
    largest = (await docs.capabilities()).limits.max_exact_integer
    await docs.put_many(build_objects(FREE_FIELDS, ROWS, largest))


class DocDerived(DocTests):
    """Overrides."""

    @asking("eq", "ne", "in", "not", "exists", "and")
    async def test_counts_equal_the_derived_ones(self, docs: DocStore, space: Workspace) -> None:
        """count_where and count_by answer what they would if they were derived from find."""
        await fill(docs)
        driver, call = await driver_of(space), Call(space.name)
        derived = Derived(driver)
        for filter_ in FILTERS:
            counted = await driver.count_where(call, filter_)
            assert counted == await derived.count_where(call, filter_), filter_
        for name in PATHS:
            for filter_ in (None, *FILTERS[:3]):
                path = Path(tuple(name.split(".")))
                counts = await driver.count_by(call, path, filter_)
                assert counts == await derived.count_by(call, path, filter_), (name, filter_)

    @asking("eq", "ne", "in", "not", "exists", "and")
    async def test_deletes_equal_the_derived_ones(self, docs: DocStore, client: Polystore) -> None:
        """delete_where deletes what it would if it were derived from find and delete_many."""
        for filter_ in FILTERS:
            one, other = (client.workspace(fresh_workspace()) for _ in range(2))
            await fill(one.doc(docs.name))
            await fill(other.doc(docs.name))
            driver = await driver_of(one)
            deleted = await driver.delete_where(Call(one.name), filter_)
            assert deleted == await Derived(driver).delete_where(Call(other.name), filter_), filter_
            left = {d.id async for d in one.doc(docs.name).scan()}
            assert left == {d.id async for d in other.doc(docs.name).scan()}, filter_
