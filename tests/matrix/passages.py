"""What the application does with its chunks: vector stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from matrix import questions
from matrix.library import CHUNKS_PER_PAPER, DIMENSIONS, PAPERS, SKETCHES, chunks, vectors
from polystore import F
from polystore.capabilities import Feature

if TYPE_CHECKING:
    from matrix.answers import Notes
    from polystore.client import Stores
    from polystore.types.records import VectorRecord

ALL = PAPERS * CHUNKS_PER_PAPER
QUERIES = vectors(12, DIMENSIONS, 2)


async def ingest_chunks(ps: Stores, notes: Notes) -> None:
    """Write all chunks, and the sketches in bulk."""
    store = ps.vector("chunks")
    records = chunks()
    await store.upsert(records[:50])
    await store.upsert(records[40:])
    notes.exact("vector: count", await store.count())
    ids = [records[7].id, "gone", records[0].id, records[7].id]
    found = await store.get_many(ids)
    notes.exact("vector: order is kept", [one and _plain(one) for one in found])
    everything = [_plain(one) async for one in store.scan(with_vectors=True, batch=33)]
    notes.exact("vector: all", sorted(everything, key=lambda one: one["id"]))
    bare = await store.get(records[3].id, with_vector=False)
    notes.exact("vector: without its vector", bare is not None and bare.vector is None)
    sketches = ps.vector("sketches")
    matrix = vectors(SKETCHES, 8, 3)
    names = [f"s{number:04d}" for number in range(SKETCHES)]
    async with sketches.bulk():
        shelves = [{"shelf": number % 50} for number in range(SKETCHES)]
        await sketches.upsert_arrays(names, matrix, metadata=shelves)
    notes.exact("vector: sketches", await sketches.count())


def _plain(record: VectorRecord) -> dict[str, Any]:
    vector = None if record.vector is None else [float(x) for x in record.vector]
    return {"id": record.id, "text": record.text, "meta": record.metadata, "vector": vector}


async def search(ps: Stores, notes: Notes) -> None:
    """Search exactly, by index, with and without filters, one and many at once."""
    store = ps.vector("chunks")
    for number, query in enumerate(QUERIES[:4]):
        hits = await store.search(query, k=10, exact=True)
        notes.scored(f"vector: exact {number}", hits)
        notes.exact(f"vector: says it is exact {number}", hits.exact)
    notes.recalled("vector: by index", [await store.search(query, k=10) for query in QUERIES])
    notes.recalled("vector: many at once", await store.search_many(QUERIES, k=7))
    many = await store.search_many(QUERIES, k=5, exact=True)
    for number, hits in enumerate(many):
        notes.scored(f"vector: exact, many at once {number}", hits)
    best = await store.search(QUERIES[0], k=1, exact=True, with_vectors=True)
    notes.exact("vector: hit", [
        [hit.text, hit.metadata, hit.vector is not None and [float(x) for x in hit.vector]]
        for hit in best
    ])  # fmt: skip
    floor = await store.search(QUERIES[1], k=50, min_score=0.5, exact=True)
    notes.scored("vector: from a score on", floor)
    notes.exact("vector: more than there are", len(await store.search(QUERIES[0], k=ALL + 50)))
    distances = [hit.distance for hit in many[0]]
    notes.exact("vector: distances rise", distances == sorted(distances, key=lambda d: d or 0))
    sketches = ps.vector("sketches")
    some = vectors(20, 8, 4)
    notes.recalled("vector: l2 by index", await sketches.search_many(some, k=10))
    notes.scored("vector: l2", await sketches.search(some[0], k=10, exact=True))
    wanted = F("shelf") == 7
    for number, query in enumerate(some[:3]):
        hits = await sketches.search(query, k=12, filter=wanted)
        notes.exact(f"vector: k of few {number}", len(hits))
        few = await sketches.search(query, k=30, filter=wanted, exact=True)
        notes.scored(f"vector: few {number}", few)


async def search_filtered(ps: Stores, notes: Notes) -> None:
    """Search with every filter."""
    store = ps.vector("chunks")
    if not await notes.declares("vector: filters", store, Feature.FILTER):
        await notes.refuses("vector: filters", store.search(QUERIES[0], filter=F("year") == 1))
        return
    for name, filter_ in questions.CHUNKS.items():
        name = f"vector: {name}"
        if not await notes.evaluates(name, store, filter_):
            await notes.refuses(name, store.search(QUERIES[0], filter=filter_))
            continue
        notes.exact(f"{name}: count", await store.count(filter_))
        notes.members(name, [record.id async for record in store.scan(filter_, batch=17)])
        exactly = await store.search(QUERIES[0], k=ALL, filter=filter_, exact=True)
        notes.scored(f"{name}: exact", exactly)
        by_index = await store.search_many(QUERIES, k=6, filter=filter_)
        notes.recalled(f"{name}: by index", by_index)
        allowed = {hit.id for hit in exactly}
        notes.exact(
            f"{name}: nothing else", all(h.id in allowed for hits in by_index for h in hits)
        )


async def search_words(ps: Stores, notes: Notes) -> None:
    """Search by words, and by both."""
    store = ps.vector("chunks")
    for text in ("storage", "Word7 word8", "graphs part2", "zzz", "says", "word7: (that) & it's"):
        name = f"vector: words {text!r}"
        if await notes.declares(name, store, Feature.TEXT_SEARCH):
            notes.members(name, [hit.id for hit in await store.search_text(text, k=ALL)])
            some = await store.search_text(text, k=ALL, filter=F("year") >= 1995)
            notes.members(f"{name}: of some", [hit.id for hit in some])
        else:
            await notes.refuses(name, store.search_text(text))
    if await notes.declares("vector: hybrid", store, Feature.TEXT_SEARCH):
        both = await store.hybrid("word7", QUERIES[0], k=ALL, exact=True)
        notes.members("vector: hybrid", [hit.id for hit in both])
        near = (await store.get_many([chunks()[7].id]))[0]
        assert near is not None
        assert near.vector is not None
        agreed = await store.hybrid("word7", near.vector, k=1, exact=True)
        notes.exact("vector: hybrid: agreed", [hit.id for hit in agreed])
    else:
        await notes.refuses("vector: hybrid", store.hybrid("word7", QUERIES[0]))


async def correct(ps: Stores, notes: Notes) -> None:
    """Change metadata, replace, and delete by id and by filter."""
    store = ps.vector("chunks")
    records = chunks()
    patches = {
        records[0].id: {"year": 2050, "note": {"seen": True}},
        "gone": {"year": 2050},
        records[1].id: {"year": 2050, "tags": None},
    }
    notes.exact("vector: patch of nothing", await store.update_metadata(patches))
    found = await store.get_many([records[0].id, records[1].id])
    notes.exact("vector: patched", [one and _plain(one) for one in found])
    wanted = F("year") == 2050
    notes.members("vector: found by the patch", [one.id async for one in store.scan(wanted)])
    mirrored = records[2]
    mirrored.vector = -np.asarray(mirrored.vector)
    mirrored.metadata = {"year": 2051}
    mirrored.text = None
    await store.upsert([mirrored])
    again = await store.get(mirrored.id)
    notes.exact("vector: replaced whole", again and _plain(again))
    hits = await store.search(mirrored.vector, k=1, exact=True)
    notes.scored("vector: found where it is now", hits)
    first = [one.id for one in records[10:20]]
    notes.exact("vector: deleted", await store.delete([*first, "gone", first[0]]))
    notes.exact(
        "vector: deleted by filter", await store.delete(filter=F("year").is_in([1992, 1993]))
    )
    notes.exact("vector: left", await store.count())
    notes.scored("vector: exact of what is left", await store.search(QUERIES[5], k=20, exact=True))
    gone = {*first} | {r.id for r in records if r.metadata.get("year") in (1992, 1993)}
    by_index = await store.search_many(QUERIES, k=20)
    notes.recalled("vector: by index, of what is left", by_index)
    notes.exact(
        "vector: nothing deleted comes back",
        not any(h.id in gone for hits in by_index for h in hits),
    )
