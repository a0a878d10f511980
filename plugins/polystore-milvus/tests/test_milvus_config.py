"""The block of a `use: milvus` backend, options of stores, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from polystore.errors import ConfigError, UnsupportedError
from polystore.specs import VectorSpec
from polystore_milvus.config import MilvusConfig
from polystore_milvus.names import key_prefix
from polystore_milvus.options import build_params, index_type, search_params
from polystore_milvus.plugin import check_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({}, "needs uri or embedded, and not both"),
        ({"uri": "http://h", "embedded": True}, "needs uri or embedded, and not both"),
        ({"uri": "tcp://h"}, "must begin with http:// or https://"),
        ({"uri": "h:19530"}, "must begin with http:// or https://"),
        ({"uri": "http://u:p@h"}, "takes no user and password"),
        ({"uri": "http://"}, "has host and port only"),
        ({"uri": "http://h:1/db"}, "has host and port only"),
        ({"uri": "http://h:99999"}, "is no address"),
        ({"uri": "http://h", "namespace": "a-b"}, "letters, digits and _"),
        ({"uri": "http://h", "namespace": "1a"}, "letters, digits and _"),
        ({"uri": "http://h", "database": "a-b"}, "letters, digits and _"),
        ({"uri": "http://h", "token": "u:p", "username": "u"}, "give one of both"),
        ({"uri": "http://h", "username": "u"}, "belong together"),
        ({"uri": "http://h", "tls": {}}, "tls goes with https://"),
        ({"uri": "https://h", "tls": {"root_cert": "missing.pem"}}, "cannot be read"),
        ({"uri": "https://h", "tls": {"key": __file__}}, "cert and key belong together"),
        ({"uri": "http://h", "pool": {"max": 0}}, "greater than or equal to 1"),
        ({"embedded": True, "token": "x"}, "embedded takes no token"),
        ({"uri": "http://h", "tokn": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_blocks_say_what_is_wrong(block: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MilvusConfig.model_validate(block)
    assert told in str(caught.value)


def test_no_secret_is_ever_shown() -> None:
    for login in ({"token": "me:secret"}, {"username": "me", "password": "secret"}):
        config = MilvusConfig.model_validate({"uri": "http://h", **login})
        assert config.login == "me:secret"
        assert set(config.secrets) == {"me:secret", "secret"}
        for shown in (repr(config), str(config), config.model_dump_json()):
            assert "secret" not in shown
    for wrong in ({"uri": "http://me:secret@h"}, {"token": "secret", "password": "secret"}):
        with pytest.raises(ValidationError) as caught:
            MilvusConfig.model_validate(wrong)
        assert "secret" not in str(caught.value)


def test_addresses() -> None:
    for uri, target in {
        "http://h": "h:19530",
        "https://h:1": "h:1",
        "http://[::1]:2": "[::1]:2",
        "http://h/": "h:19530",
    }.items():
        config = MilvusConfig.model_validate({"uri": uri})
        assert config.target == target
        assert config.secure is uri.startswith("https")


def test_folders_are_relative_to_the_configuration(tmp_path: Path) -> None:
    config = MilvusConfig.model_validate({"embedded": "data"}, context={"base_dir": tmp_path})
    assert config.embedded == tmp_path / "data"


def spec(**settings: Any) -> VectorSpec:
    return VectorSpec(name="s", dimensions=8, **settings)


@pytest.mark.parametrize(
    "options",
    [{"shardz": 2}, {"shards": 0}, {"index_type": "ANNOY"}, {"index_params": {"nlist": []}}],
)
def test_unknown_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"options\.milvus\.") as caught:
        check_store(spec(options={"milvus": options}))
    assert "index_type" in (caught.value.hint or "")


@pytest.mark.parametrize("quantization", ["half", "binary"])
def test_quantization_is_refused_and_the_way_out_is_told(quantization: str) -> None:
    with pytest.raises(UnsupportedError, match="quantization") as caught:
        check_store(spec(index={"quantization": quantization}))
    assert "IVF_SQ8" in (caught.value.hint or "")


def test_indexes_in_the_words_of_milvus() -> None:
    hnsw = spec(index={"m": 8, "ef_construction": 64, "ef": 50})
    assert index_type(hnsw) == "HNSW"
    assert build_params(hnsw) == {"M": 8, "efConstruction": 64}
    assert search_params(hnsw, 10, None, None) == {"ef": 50}
    assert search_params(hnsw, 100, None, None) == {"ef": 100}
    ivf = spec(index={"type": "ivfflat", "lists": 40})
    assert (index_type(ivf), build_params(ivf)) == ("IVF_FLAT", {"nlist": 40})
    assert search_params(ivf, 10, None, None) == {"nprobe": 5}
    assert search_params(ivf, 10, None, 99) == {"nprobe": 40}
    assert index_type(spec(index={"type": "none"})) == "FLAT"
    other = spec(options={"milvus": {"index_type": "SCANN", "index_params": {"nlist": 9}}})
    assert (index_type(other), build_params(other)) == ("SCANN", {"nlist": 9})


spaces = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(spaces, spaces, spaces, spaces)
def test_keys_of_different_rows_differ(one: str, id_: str, other: str, another: str) -> None:
    same = key_prefix(one) + id_ == key_prefix(other) + another
    assert same is ((one, id_) == (other, another))
    assert one == other or not key_prefix(one).startswith(key_prefix(other))
