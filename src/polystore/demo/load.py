"""Bringing the stores up to date with a corpus; only what changed is read, embedded and written."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore.demo import c_modules, python_source, text_source
from polystore.demo.embedding import embed_cached
from polystore.demo.records import LoadReport, Parsed, Problem, Silent
from polystore.demo.stores import CHUNKS, CODE, EMBEDDINGS, MODULES
from polystore.demo.write import EXTRACTOR, find_stale, stored_problems, write_group
from polystore.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from numpy import float32
    from numpy.typing import NDArray

    from polystore.client import Stores
    from polystore.demo.corpus import Corpus
    from polystore.demo.embedding import Embedder
    from polystore.demo.records import Progress, Source
    from polystore.demo.write import Views
    from polystore.types.records import Document

_GROUP_ROWS: Final = 1000
_SLICE_FILES: Final = 20
_BULK_BYTES: Final = 2**20
_WRITERS: Final = 3


async def load(
    stores: Stores, corpus: Corpus, embedder: Embedder, progress: Progress | None = None
) -> LoadReport:
    """Bring the stores up to date with `corpus`, and return what was done.

    Files are compared by hash with the stored documents. What changed is written in groups, each in
    a unit of work if the backends have one for these stores; otherwise in an order that lets the
    next run repair one that was cut off.

    Args:
        stores: A client, or a workspace of it, that has the demo's four stores.
        corpus: The files that should be there; documents of the same corpus that are not go.
        embedder: The model.
        progress: Told how it goes on.
    """
    return await _Load(stores, corpus, embedder, progress or Silent()).run()


@dataclass(slots=True)
class _Work:
    """What has to be done."""

    changed: list[Source]
    removed: list[str]


class _Load:
    def __init__(
        self, stores: Stores, corpus: Corpus, embedder: Embedder, progress: Progress
    ) -> None:
        self.stores = stores
        self.corpus = corpus
        self.embedder = embedder
        self.progress = progress
        self.about = {"corpus": corpus.name, "extractor": EXTRACTOR, "model": embedder.model}
        self.report = LoadReport(problems=list(corpus.problems), atomic=_has_units(stores))

    async def run(self) -> LoadReport:
        started = time.perf_counter()
        work = await self._compare()
        report = self.report
        report.loaded, report.removed = len(work.changed), len(work.removed)
        report.files = len(self.corpus.sources)
        if work.changed or work.removed:
            self.progress.stage("load", len(work.changed))
            async with AsyncExitStack() as stack:
                if sum(source.size for source in work.changed) > _BULK_BYTES:
                    await stack.enter_async_context(self.stores.vector(CHUNKS).bulk())
                await self._write_all(work)
        report.total = time.perf_counter() - started
        return report

    async def _compare(self) -> _Work:
        sources = dict(self.corpus.sources)
        removed: list[str] = []
        async for document in self.stores.doc(MODULES).scan():
            source = sources.get(document.id)
            if document.data.get("corpus") != self.corpus.name:
                if source is not None:
                    reason = f"{document.id} is stored already, from another corpus"
                    self.report.problems.append(Problem(source.path, reason))
                    del sources[document.id]
            elif source is None:
                removed.append(document.id)
            elif self._is_current(document, source):
                del sources[document.id]
                self.report.unchanged += 1
                self.report.problems += stored_problems(source.path, document.data["problems"])
        return _Work(list(sources.values()), removed)

    def _is_current(self, document: Document, source: Source) -> bool:
        expected = {**self.about, "sha256": source.sha256, "format": source.format}
        return all(document.data.get(key) == value for key, value in expected.items())

    async def _write_all(self, work: _Work) -> None:
        """Write group by group while the next ones are read.

        Units of work go one after the other, so that none waits for another's rows.
        """
        groups: asyncio.Queue[tuple[list[Parsed], list[str]] | None] = asyncio.Queue(maxsize=1)
        writers = 1 if self.report.atomic else _WRITERS

        async def produce() -> None:
            removed = work.removed
            async for group in self._groups(work.changed):
                await groups.put((group, removed))
                removed = []
            if removed:
                await groups.put(([], removed))
            for _ in range(writers):
                await groups.put(None)

        async def consume() -> None:
            while (item := await groups.get()) is not None:
                await self._write(*item)

        await _run_together(produce(), *(consume() for _ in range(writers)))

    async def _groups(self, changed: Sequence[Source]) -> AsyncIterator[list[Parsed]]:
        names = frozenset(self.corpus.sources)
        group: list[Parsed] = []
        rows = 0
        for start in range(0, len(changed), _SLICE_FILES):
            began = time.perf_counter()
            part = changed[start : start + _SLICE_FILES]
            parsed = await asyncio.to_thread(_parse_all, part, names)
            self.report.read += time.perf_counter() - began
            group += parsed
            rows += sum(len(one.chunks) for one in parsed)
            if rows >= _GROUP_ROWS:
                yield group
                group, rows = [], 0
        if group:
            yield group

    async def _write(self, group: list[Parsed], removed: list[str]) -> None:
        vectors = await self._embed(group)
        began = time.perf_counter()
        stale = await find_stale(self.stores, group, removed)
        async with self._views() as views:
            await write_group(views, group, vectors, stale, self.about)
        report = self.report
        report.write += time.perf_counter() - began
        for parsed in group:
            report.chunks += len(parsed.chunks)
            report.nodes += len(parsed.nodes)
            report.edges += len(parsed.edges)
            report.problems += parsed.problems
        self.progress.advance(len(group))

    async def _embed(self, group: list[Parsed]) -> NDArray[float32]:
        """Return a vector per chunk, and take out those chunks that have none."""
        began = time.perf_counter()
        texts = [chunk.embedded for parsed in group for chunk in parsed.chunks]
        result = await embed_cached(self.embedder, self.stores.kv(EMBEDDINGS), texts)
        usable = np.any(result.vectors != 0, axis=1)
        if not usable.all():
            _drop(group, iter(usable.tolist()))
        self.report.embedded += result.computed
        self.report.cached += result.cached
        self.report.embed += time.perf_counter() - began
        return result.vectors[usable]

    def _views(self) -> AbstractAsyncContextManager[Views]:
        if self.report.atomic:
            return self.stores.unit_of_work(MODULES, CHUNKS, CODE)
        return nullcontext(self.stores)


def _has_units(stores: Stores) -> bool:
    """Ask beforehand whether the three stores can be written all or nothing."""
    try:
        stores.unit_of_work(MODULES, CHUNKS, CODE)
    except UnsupportedError:
        return False
    return True


def _parse_all(sources: Sequence[Source], names: frozenset[str]) -> list[Parsed]:
    return [_parse(source, names) for source in sources]


def _parse(source: Source, names: frozenset[str]) -> Parsed:
    if source.format == "c" or source.file is None:
        return c_modules.parse(source)
    try:
        data = source.file.read_bytes()
    except OSError as error:
        return Parsed(source, problems=[Problem(source.path, str(error))])
    if source.format == "python":
        return python_source.parse(source, data, names)
    return text_source.parse(source, data)


def _drop(group: list[Parsed], usable: Iterator[bool]) -> None:
    for parsed in group:
        kept = [(chunk, next(usable)) for chunk in parsed.chunks]
        lost = [chunk.name for chunk, good in kept if not good]
        parsed.chunks = [chunk for chunk, good in kept if good]
        parsed.problems += [
            Problem(parsed.source.path, f"the model knows no word of {name}") for name in lost
        ]


async def _run_together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run the jobs; if one fails, end the others and raise its error as itself."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
