"""py-key-value and langchain-postgres beside polystore, each called as its documentation says."""

from __future__ import annotations

import random
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

import polystore
from bench.context import CROWD, INDEX, in_turns, waves
from bench.data import exact_nearest, json_values, vector_ids, vector_metadata
from bench.measure import Case, per_call, per_row
from bench.peers.process import running
from polystore import F, KVSpec
from polystore.bench.records import clustered, vector_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from bench.context import Bench
    from bench.peers.process import Peers
    from polystore import Filter, KVStore, VectorStore

_K = 10
_SHARE = 8
"""What is stored is so much less than for the bare driver, as the others take so much longer."""
_KEY_VALUE = "py-key-value"
_LANGCHAIN = "langchain-postgres"


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; "driver" is the other library."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="polystore-peers-")))
        valkey = folder / "valkey"
        config = {"backends": {"main": {"use": "redis", "embedded": str(valkey)}}}
        opened = polystore.open(config, stores=[KVSpec(name="entries")])
        cache = await stack.enter_async_context(opened)
        data = json_values(bench.sizes.entries // _SHARE)
        keys = list(data)
        random.Random(1).shuffle(keys)  # noqa: S311
        vectors = _Vectors(bench)
        (folder / "entries.json").write_bytes(orjson.dumps(data))
        (folder / "keys.json").write_bytes(orjson.dumps(keys))
        vectors.write(folder)
        peers = await stack.enter_async_context(
            running(folder, bench.socket, str(valkey / "valkey.sock"), INDEX.ef)
        )
        for backend, ps in (("postgres", bench.ps), ("valkey", cache)):
            async for case in _key_value(bench, peers, backend, ps.kv("entries"), data, keys):
                yield case
        async for case in vectors.cases(peers):
            yield case


async def _key_value(
    bench: Bench,
    peers: Peers,
    backend: str,
    store: KVStore,
    data: dict[str, Any],
    keys: list[str],
) -> AsyncGenerator[Case]:
    sizes = bench.sizes
    few = keys[: sizes.calls]
    many = keys[: max(len(few), 2 * CROWD) // CROWD * CROWD]
    here = f"peers kv on {backend}:"
    shared: dict[str, Any] = {"note": _KEY_VALUE, "backend": backend}
    yield Case(
        f"{here} put_many", len(data), "rows/s",
        lambda: per_row(store.put_many(data), len(data)),
        lambda: peers.ask(f"{backend}.put_many"),
        max(2, sizes.rounds - 2), **shared,
    )  # fmt: skip
    await bench.driver.execute("VACUUM (ANALYZE)")
    yield Case(
        f"{here} get_many", len(keys), "rows/s",
        lambda: per_row(store.get_many(keys), len(keys)),
        lambda: peers.ask(f"{backend}.get_many"),
        sizes.rounds, **shared,
    )  # fmt: skip
    yield Case(
        f"{here} get, one alone (p50)", len(few), "ms",
        lambda: per_call(store.get, few),
        lambda: peers.ask(f"{backend}.get_alone", calls=len(few)),
        sizes.rounds, **shared,
    )  # fmt: skip
    yield Case(
        f"{here} get, {CROWD} callers", len(many), "calls/s",
        lambda: per_row(waves(store.get, many), len(many)),
        lambda: peers.ask(f"{backend}.get_at_once", calls=len(many), callers=CROWD),
        sizes.rounds, **shared,
    )  # fmt: skip


class _Vectors:
    """The same vectors on both sides, each with an HNSW index that is read with the same `ef`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        count = max(bench.sizes.indexed, bench.sizes.corpus // 3)
        self._ids = vector_ids(count)
        self._rows = clustered(count, seed=1)
        self._metadata = vector_metadata(count)
        self._queries = clustered(max(20, bench.sizes.calls // 2), seed=3)

    def write(self, folder: Path) -> None:
        """Write them for the other process."""
        np.save(folder / "vectors.npy", self._rows)
        np.save(folder / "queries.npy", self._queries)
        (folder / "metadata.json").write_bytes(orjson.dumps(self._metadata))
        (folder / "ids.json").write_bytes(orjson.dumps(self._ids))

    async def cases(self, peers: Peers) -> AsyncGenerator[Case]:
        """Yield writing into an index, and searches of it."""
        bench, total, count = self._bench, len(self._ids), self._bench.sizes.indexed
        growing, corpus = bench.ps.vector("growing"), bench.ps.vector("corpus")
        await peers.ask("langchain.create", table="peer_growing", load=0)

        async def empty() -> None:
            await growing.clear()
            await bench.driver.execute("TRUNCATE peer_growing")
            await bench.driver.execute("CHECKPOINT")

        yield Case(
            "peers vector upsert into HNSW", count, "rows/s",
            lambda: per_row(self._store(growing, count), count),
            lambda: peers.ask("langchain.add", table="peer_growing", rows=count),
            max(2, bench.sizes.rounds - 2), before=empty, warm=False, note=_LANGCHAIN,
        )  # fmt: skip
        await corpus.clear()
        await self._store(corpus, total)
        await peers.ask("langchain.create", table="peer_corpus", load=total)
        await bench.driver.execute("VACUUM (ANALYZE)")
        for name, callers, where in (
            ("1 caller", 1, {}),
            ("4 callers", 4, {}),
            ("filter 10 %", 1, {"tenth": 3}),
            ("filter 1 %", 1, {"percent": 3}),
        ):
            yield await self._search(peers, corpus, name, callers, where)

    async def _store(self, store: VectorStore, rows: int) -> None:
        # A text each, as the other side stores one.
        ids = self._ids[:rows]
        await store.upsert_arrays(ids, self._rows[:rows], texts=ids, metadata=self._metadata[:rows])

    async def _search(
        self, peers: Peers, store: VectorStore, name: str, callers: int, where: dict[str, int]
    ) -> Case:
        filter_: Filter | None = None
        for column, number in where.items():
            filter_ = F(column) == number
        matching = [
            number
            for number, row in enumerate(self._metadata)
            if all(row[column] == wanted for column, wanted in where.items())
        ]
        nearest = exact_nearest(self._rows[matching], self._queries, _K)
        truth = [{vector_id(matching[place]) for place in found} for found in nearest]

        async def search(number: int) -> list[str]:
            hits = await store.search(self._queries[number], k=_K, filter=filter_)
            return [hit.id for hit in hits]

        asked: dict[str, Any] = {"table": "peer_corpus", "k": _K, "where": where}
        numbers = range(len(truth))
        theirs = await peers.ask("langchain.answers", **asked)
        recall = _recall(truth, [await search(n) for n in numbers]), _recall(truth, theirs)
        return Case(
            f"peers vector search, {name}", len(truth), "calls/s",
            lambda: per_row(in_turns([search] * callers, numbers), len(truth)),
            lambda: peers.ask("langchain.search", callers=callers, **asked),
            self._bench.sizes.rounds, recall=recall, note=_LANGCHAIN,
        )  # fmt: skip


def _recall(truth: Sequence[set[str]], answers: Sequence[Sequence[str]]) -> float:
    found = sum(len(wanted & set(got)) for wanted, got in zip(truth, answers, strict=True))
    return found / (_K * len(truth))
