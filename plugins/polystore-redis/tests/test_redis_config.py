"""The block of a `use: redis` backend, and names of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from polystore.specdiff import StoredSpec
from polystore.specs import KVSpec
from polystore_redis.config import RedisConfig
from polystore_redis.keys import Names, StoreKeys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({}, "needs one of url, cluster, sentinel, embedded; none is given"),
        ({"url": "redis://h", "embedded": True}, "url and embedded are given"),
        ({"url": "http://h"}, "must begin with one of: redis://"),
        ({"url": "redis://h/x"}, "number of a database"),
        ({"url": "redis://h?db=1"}, "takes no ?options"),
        ({"url": "unix://"}, "needs the path of a socket"),
        ({"url": "redis://h:999999"}, "is no url"),
        ({"cluster": ["h"]}, "'h' is no host:port"),
        ({"cluster": ["h:1"], "db": 1}, "a cluster has database 0 only"),
        ({"cluster": []}, "at least 1 item"),
        ({"embedded": True, "password": "x"}, "embedded takes no username"),
        ({"sentinel": {"hosts": ["h:1"]}}, "Field required"),
        ({"url": "redis://h", "namespace": "a:b"}, "letters, digits"),
        ({"url": "redis://h", "tls": {"root_cert": "missing.pem"}}, "cannot be read"),
        ({"url": "redis://h", "tls": {"cert": __file__}}, "cert and key belong together"),
        ({"url": "redis://h", "pol": {}}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_blocks_say_what_is_wrong(block: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RedisConfig.model_validate(block)
    assert told in str(caught.value)


def test_no_password_is_ever_shown() -> None:
    block = {"url": "redis://me:s%65cret@h:1/2", "password": "other", "username": "u"}
    config = RedisConfig.model_validate(block)
    assert set(config.secrets) == {"s%65cret", "secret", "other"}
    for shown in (repr(config), str(config), config.model_dump_json()):
        assert "secret" not in shown
        assert "other" not in shown
    with pytest.raises(ValidationError) as caught:
        RedisConfig.model_validate({"url": "http://me:secret@h"})
    assert "secret" not in str(caught.value)


def test_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    block = {"url": "rediss://h", "tls": {"root_cert": "ca.pem"}, "embedded": False}
    config = RedisConfig.model_validate(block, context={"base_dir": tmp_path})
    assert config.tls is not None
    assert config.tls.root_cert == tmp_path / "ca.pem"


workspaces = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
tricky = st.one_of(workspaces, st.sampled_from(["{", "}", "{a}b", "a:b", "a%3Ab", "%7B", "a:0}"]))


@given(st.lists(st.tuples(tricky, tricky, st.sampled_from([1, 2, 16])), min_size=2, max_size=8))
def test_keys_of_different_things_differ(things: list[tuple[str, str, int]]) -> None:
    """And everything of one partition is in one slot, whatever its ids are."""
    stored = StoredSpec(KVSpec(name="s"))
    seen: dict[bytes, tuple[str, str]] = {}
    for workspace, id_, partitions in things:
        keys = StoreKeys.of(Names("ns"), stored, partitions)
        part = keys.partition(workspace, 0)
        assert part.row(id_) == part.row_of(id_.encode())
        assert seen.setdefault(part.row(id_), (workspace, id_)) == (workspace, id_)
        tags = {_tag(key) for key in (part.row(id_), part.ids, part.expiry, part.version)}
        assert tags == {_tag(part.ids)}
        assert len(_tag(part.ids)) > len("s.1:")


def _tag(key: bytes) -> bytes:
    """Return what a cluster hashes: between the first `{` and the next `}`."""
    start = key.index(b"{") + 1
    return key[start : key.index(b"}", start)]
