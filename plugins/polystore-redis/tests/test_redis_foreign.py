"""Keys that somebody else made under our names: every call says so, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from polystore.errors import DataCorruption, PolystoreError, SchemaMismatch

from .clients import client_of

if TYPE_CHECKING:
    from servers.redis import RedisServer

    from polystore import Polystore

OF_ANOTHER_TYPE: Final = (
    ("RPUSH", "x"),
    ("HSET", "x", "y"),
    ("ZADD", "1", "x"),
    ("XADD", "*", "x", "y"),
)
STRINGS: Final[dict[str, bytes]] = {
    "one letter": b"x",
    "long": b"x" * 200,
    "of zeros": bytes(100),
    "with a length that is too long": bytes(24) + b"\x00\x00\x00\xff" + bytes(100),
    "with members that end too early": bytes(24) + b"\x00\x00\x00\x50" + b"\xff" * 100,
}
WRITTEN: Final[dict[str, Any]] = {"things": 1, "papers": {"group": 1, "n": 2}}


def row_of(raw: Any, block: dict[str, Any], store: str, id_: bytes) -> bytes:
    """Return the key of a row that is not there, from that of one that is."""
    (known,) = raw.keys(f"{block['namespace']}:{{{store}.1:*}}:r:known")
    return known.removesuffix(b"known") + id_


def everything(raw: Any, block: dict[str, Any]) -> dict[bytes, bytes]:
    keys: list[bytes] = raw.keys(f"{block['namespace']}:*")
    # The last version may be taken by a write that is refused.
    return {key: raw.dump(key) for key in keys if not key.endswith(b":v")}


async def refused(ps: Polystore, store: str, kind: type[PolystoreError]) -> None:
    """Check that every call on the key `x` raises, also beside others."""
    handle: Any = ps.kv(store) if store == "things" else ps.doc(store)
    value = WRITTEN[store]
    calls = {
        "get": lambda: handle.get("x"),
        "get_many": lambda: handle.get_many(["known", "absent", "x"]),
        "put": lambda: handle.put("x", value),
        "put_many": lambda: handle.put_many({"known": value, "new": value, "x": value}),
        "put_if_absent": lambda: handle.put_if_absent("x", value),
        "compare_and_set": lambda: handle.compare_and_set("x", value, 1),
        "delete": lambda: handle.delete("x"),
        "delete_many": lambda: (
            handle.delete_many(["known", "x"])
            if store == "things"
            else handle.delete(["known", "x"])
        ),
    }
    if store == "papers":
        calls["patch"] = lambda: handle.patch("x", {"n": 1})
    for name, call in calls.items():
        with pytest.raises(kind) as caught:
            await call()
        assert caught.value.hint is not None, name
        assert "choose another namespace" in caught.value.hint, (name, caught.value)
        assert "@user_script" not in str(caught.value), (name, caught.value)


@pytest.mark.parametrize("store", ["things", "papers"])
async def test_a_row_of_another_type(
    redis7: RedisServer, block: dict[str, Any], store: str
) -> None:
    async with client_of(block) as ps:
        await ps.kv("things").put("known", 1)
        await ps.doc("papers").put("known", WRITTEN["papers"])
        with redis7.client() as raw:
            key = row_of(raw, block, store, b"x")
            for command, *arguments in OF_ANOTHER_TYPE:
                raw.delete(key)
                raw.execute_command(command, key, *arguments)
                before = everything(raw, block)
                await refused(ps, store, SchemaMismatch)
                assert everything(raw, block) == before


@pytest.mark.parametrize("store", ["things", "papers"])
async def test_a_string_that_is_no_row(
    redis7: RedisServer, block: dict[str, Any], store: str
) -> None:
    async with client_of(block) as ps:
        await ps.kv("things").put("known", 1)
        await ps.doc("papers").put("known", WRITTEN["papers"])
        with redis7.client() as raw:
            key = row_of(raw, block, store, b"x")
            for text in STRINGS.values():
                raw.set(key, text)
                before = everything(raw, block)
                await refused(ps, store, DataCorruption)
                assert everything(raw, block) == before


@pytest.mark.parametrize(
    ("store", "part"),
    [("things", b"i"), ("things", b"x"), ("papers", b"i"), ("papers", b"e"), ("papers", b"n:*")],
)
async def test_a_list_of_ours_of_another_type(
    redis7: RedisServer, block: dict[str, Any], store: str, part: bytes
) -> None:
    async with client_of(block) as ps:
        await ps.kv("things").put("known", 1, ttl=600)
        await ps.doc("papers").put("known", WRITTEN["papers"])
        with redis7.client() as raw:
            pattern = row_of(raw, block, store, b"").removesuffix(b"r:") + part
            for key in raw.keys(pattern) or [pattern]:
                held = raw.dump(key)
                raw.delete(key)
                raw.hset(key, "x", "y")
                before = everything(raw, block)
                handle: Any = ps.kv(store) if store == "things" else ps.doc(store)
                for batch in ({"new": WRITTEN[store]}, dict.fromkeys("ab", WRITTEN[store])):
                    with pytest.raises(SchemaMismatch):
                        await handle.put_many(batch)
                assert everything(raw, block) == before
                if part != b"e":
                    with pytest.raises(SchemaMismatch):
                        await handle.delete("known")
                    assert everything(raw, block) == before
                raw.delete(key)
                if held is not None:
                    raw.restore(key, 0, held)
        assert await ps.kv("things").get("known") == 1
