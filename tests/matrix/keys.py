"""What the application does with its cache and its settings: key-value stores."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from matrix.library import papers
from polystore.capabilities import Feature
from polystore.errors import Conflict

if TYPE_CHECKING:
    from matrix.answers import Notes
    from polystore.client import Stores
    from polystore.stores.kv import KVStore

SHORT: Final = 0.4
"""Seconds that a short-lived entry lives."""
VALUES: Final[dict[str, Any]] = {
    "null": None,
    "number": 2**63 - 1,
    "float": 0.1,
    "text": "line\nbreak \u2028 \U0001f600 \\ \" ' %",
    "nested": {"": [[], {}, [{"a.b": [None, True]}]]},
    "empty": "",
    "list": [1, 2.5, -0.0, 1e300, -(2**63)],
    "{tag}a": 1,
    "{tag}b": 2,
    "*?[x]": 3,
    "user:1:name": "x",
    "USER:1:name": "y",
    "日本/ü é": {"k": "v"},
    "long " + "k" * 500: "long key",
}
RAW: Final = bytes(range(256)) * 3


async def use_cache(ps: Stores, notes: Notes) -> None:
    """Store, read and delete values one by one and many at once."""
    settings = ps.kv("settings")
    await settings.put_many(VALUES)
    await settings.put("raw", RAW)
    notes.exact("kv: values", dict(zip(VALUES, await settings.get_many(VALUES), strict=True)))
    raw = await settings.get("raw")
    notes.exact("kv: bytes", [type(raw).__name__, raw == RAW])
    notes.exact("kv: order is kept", await settings.get_many(["text", "gone", "number", "text"]))
    notes.exact("kv: null is there", await settings.get_entry("null") is not None)
    notes.exact("kv: missing", await settings.missing(["gone", "null", "gone", "lost", "raw"]))
    notes.exact("kv: count", await settings.count())
    for prefix in ("", "user:", "{tag}", "*", "none"):
        keys = [entry.key async for entry in settings.scan(prefix, batch=3)]
        ordered = Feature.ORDERED_SCAN in (await settings.capabilities()).features
        notes.exact(f"kv: scan {prefix!r}", sorted(keys))
        notes.exact(f"kv: scan {prefix!r} in order", not ordered or keys == sorted(keys))
    notes.exact("kv: delete", [await settings.delete("text"), await settings.delete("text")])
    notes.exact("kv: delete many", await settings.delete_many(["*?[x]", "gone", "{tag}a"]))
    left = [entry async for entry in settings.scan()]
    notes.exact("kv: left", sorted(entry.key for entry in left))
    notes.exact("kv: no times lost", all(entry.updated_at and entry.version for entry in left))
    many = {f"bulk:{number:05d}": {"n": number, "of": "x" * 50} for number in range(2500)}
    await settings.put_many(many)
    notes.exact("kv: many", await settings.get_many(many) == list(many.values()))
    notes.exact("kv: many counted", await settings.count())
    notes.exact("kv: many deleted", await settings.delete_many(many))


async def let_expire(ps: Stores, notes: Notes) -> None:
    """Cache for a while; what expired is gone from every answer."""
    cache = ps.kv("cache")
    if not await notes.declares("kv: expiry", cache, Feature.TTL):
        await notes.refuses("kv: expiry", cache.put("a", 1, ttl=1))
        return
    await cache.put_many({"soon": 1, "kept": 2, "again": 3}, ttl=SHORT)
    await cache.put("kept", 2, ttl="1h")
    await cache.put("default", 4)
    soon = await cache.get_entry("soon")
    default = await cache.get_entry("default")
    await asyncio.sleep(SHORT + 0.3)
    keys = ["soon", "kept", "again", "default"]
    taken = await cache.put_if_absent("again", 5)
    notes.exact("kv: expiry", {
        "has one": soon is not None and soon.expires_at is not None,
        "by default": default is not None and default.expires_at is not None,
        "values": await cache.get_many(keys),
        "missing": await cache.missing(keys),
        "count": await cache.count(),
        "scan": sorted([entry.key async for entry in cache.scan()]),
        "taken": taken,
        "deleted": await cache.delete("soon"),
    })  # fmt: skip


async def race(ps: Stores, notes: Notes) -> None:
    """Let callers meet: one wins, nothing is lost, and whoever is late is told."""
    settings = ps.kv("settings")
    won = await asyncio.gather(*(settings.put_if_absent("lock", n) for n in range(20)))
    notes.exact("kv: one takes the lock", sum(won))
    await settings.put("counter", 0)
    await asyncio.gather(*(_add_one(settings) for _ in range(10)))
    notes.exact("kv: no addition is lost", await settings.get("counter"))
    entry = await settings.get_entry("counter")
    assert entry is not None
    version = await settings.compare_and_set("counter", "new", entry.version)
    notes.exact("kv: versions grow", version > entry.version)
    await notes.error("kv: late", settings.compare_and_set("counter", "late", entry.version))
    await notes.error("kv: is there", settings.compare_and_set("counter", "late", 0))
    notes.exact("kv: who was late changed nothing", await settings.get("counter"))
    await asyncio.gather(*(settings.put(f"c{n}", n) for n in range(100)))
    found = await asyncio.gather(*(settings.get(f"c{n}") for n in range(110)))
    notes.exact("kv: many callers", list(found))


async def _add_one(settings: KVStore) -> None:
    while True:
        entry = await settings.get_entry("counter")
        assert entry is not None
        try:
            await settings.compare_and_set("counter", entry.value + 1, entry.version)
        except Conflict:
            continue
        return


async def cache_answers(ps: Stores, notes: Notes) -> None:
    """Keep an answer beside what it was made of, as callers of a model do."""
    cache = ps.kv("cache")
    texts = {f"answer:{id_}": json.dumps(data, sort_keys=True) for id_, data in papers().items()}
    missing = await cache.missing(texts)
    await cache.put_many({key: texts[key] for key in missing})
    notes.exact("kv: all were computed", len(missing) == len(texts))
    notes.exact("kv: none is computed twice", await cache.missing(texts))
    notes.exact("kv: cached", [json.loads(text) for text in await cache.get_many(texts)])
