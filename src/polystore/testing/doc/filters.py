"""Filters over documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from typing_extensions import override

from polystore.stores.ordering import document_meta
from polystore.testing.checks import fresh_workspace
from polystore.testing.doc.base import INDEXED, LOOSE, DocTests
from polystore.testing.filters.corpus import FREE_FIELDS, ROWS, Corpus, Row, build_objects
from polystore.testing.filters.suite import FilterTests

if TYPE_CHECKING:
    import pytest

    from polystore.capabilities import Capabilities
    from polystore.client import Polystore
    from polystore.stores.doc import DocStore
    from polystore.stores.filtering import FilterLike


class DocCorpus(Corpus):
    """Documents to ask filters of."""

    def __init__(self, docs: DocStore, rows: list[Row], capabilities: Capabilities) -> None:
        super().__init__(rows, capabilities)
        self._docs = docs

    @override
    async def ids(self, filter_: FilterLike) -> list[str]:
        """Return the ids that `find` gives."""
        page = await self._docs.find(filter_, limit=len(self.rows) + 1)
        return [document.id for document in page.items]

    @override
    async def count(self, filter_: FilterLike) -> int:
        """Return what `count` gives."""
        return await self._docs.count(filter_)


class DocFilters(DocTests, FilterTests):
    """Filters, over fields with indexes and without."""

    @pytest_asyncio.fixture(scope="class", loop_scope="class", params=[INDEXED, LOOSE])
    @classmethod
    async def corpus(cls, client: Polystore, request: pytest.FixtureRequest) -> Corpus:
        """Return documents to ask filters of."""
        docs = client.workspace(fresh_workspace()).doc(request.param)
        capabilities = await docs.capabilities()
        await docs.put_many(build_objects(FREE_FIELDS, ROWS, capabilities.limits.max_exact_integer))
        rows = [Row(d.id, d.data, document_meta(d)) async for d in docs.scan()]
        return DocCorpus(docs, rows, capabilities)
