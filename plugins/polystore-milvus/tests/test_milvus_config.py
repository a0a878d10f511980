"""The block of a `use: milvus` backend, options of stores, and what a server says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from polystore.errors import ConfigError, PolystoreError, UnsupportedError
from polystore.specs import VectorSpec
from polystore_milvus.config import MilvusConfig
from polystore_milvus.connection import Facts
from polystore_milvus.options import build_params, check_index, index_type, search_params
from polystore_milvus.plugin import check_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({}, "needs uri or embedded"),
        ({"uri": "http://h", "embedded": True}, "needs uri or embedded, and not both"),
        ({"uri": "h:19530"}, "must begin with http:// or https://"),
        ({"uri": "tcp://h"}, "must begin with http:// or https://"),
        ({"uri": "http://me:secret@h"}, "takes no user and password"),
        ({"uri": "http://h/default"}, "has host and port only"),
        ({"uri": "http://h:0"}, "has host and port only"),
        ({"uri": "http://h:x"}, "is no address"),
        ({"uri": "http://"}, "has host and port only"),
        ({"uri": "http://h", "database": "a-b"}, "letters, digits and _"),
        ({"uri": "http://h:99999"}, "is no address"),
        ({"uri": "http://h", "namespace": "a-b"}, "letters, digits and _"),
        ({"uri": "http://h", "namespace": "1a"}, "letters, digits and _"),
        ({"uri": "http://h", "namespace": "x" * 41}, "1 to 40"),
        ({"uri": "http://h", "tls": {}}, "tls goes with https://"),
        ({"uri": "https://h", "tls": {"cert": __file__}}, "cert and key belong together"),
        ({"uri": "https://h", "tls": {"key": __file__}}, "cert and key belong together"),
        ({"uri": "https://h", "tls": {"root_cert": "missing.pem"}}, "cannot be read"),
        ({"uri": "http://h", "token": "t", "username": "u", "password": "p"}, "give one of both"),
        ({"uri": "http://h", "username": "u"}, "username and password belong together"),
        ({"embedded": True, "token": "t"}, "embedded takes no token"),
        ({"uri": "http://h", "pool": {"max": 0}}, "greater than or equal to 1"),
        ({"uri": "http://h", "alias": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_blocks_say_what_is_wrong(block: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MilvusConfig.model_validate(block)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_addresses() -> None:
    for uri, target, secure in (
        ("http://h", "h:19530", False),
        ("https://h:1/", "h:1", True),
        ("http://[::1]:2", "[::1]:2", False),
    ):
        config = MilvusConfig.model_validate({"uri": uri})
        assert (config.target, config.secure) == (target, secure)


def test_folders_are_relative_to_the_configuration(tmp_path: Path) -> None:
    config = MilvusConfig.model_validate({"embedded": "data"}, context={"base_dir": tmp_path})
    assert config.embedded == tmp_path / "data"


def test_no_password_is_ever_shown() -> None:
    for login in ({"token": "root:s3cret"}, {"username": "root", "password": "s3cret"}):
        config = MilvusConfig.model_validate({"uri": "http://h", **login})
        assert config.login == "root:s3cret"
        assert set(config.secrets) == {"root:s3cret", "s3cret"}
        for shown in (repr(config), str(config), config.model_dump_json()):
            assert "s3cret" not in shown
    key = MilvusConfig.model_validate({"uri": "http://h", "token": "a-key"})
    assert key.secrets == ("a-key",)
    with pytest.raises(ValidationError) as caught:
        MilvusConfig.model_validate({"uri": "http://h", "token": "s3cret", "password": "s3cret"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "numbers", "served"),
    [
        ("v2.3.5-lite", (2, 3), True),
        ("2.2.16", (2, 2), False),
        ("v2.4-20240101-abc", (2, 4), True),
        ("v2.6.0-rc1", (2, 6), True),
        ("Managed Vector Database (compatible with Milvus 2.4)", (2, 4), True),
        ("master-20240501-0a1b2c3d", None, True),
        ("v1.1", (1, 1), False),
    ],
)
def test_versions(version: str, numbers: tuple[int, int] | None, served: bool) -> None:
    facts = Facts(version, lite=False)
    assert facts.numbers == numbers
    assert facts.is_from((2, 3)) is served


def spec(**given: Any) -> VectorSpec:
    return VectorSpec.model_validate({"name": "s", "dimensions": 8, **given})


def own(**options: Any) -> VectorSpec:
    return spec(options={"milvus": options})


@pytest.mark.parametrize(
    ("store", "error", "told"),
    [
        (spec(index={"quantization": "half"}), UnsupportedError, "quantization: half"),
        (spec(index={"quantization": "binary"}), UnsupportedError, "quantization: binary"),
        (own(shard=2), ConfigError, "options.milvus.shard"),
        (own(shards=0), ConfigError, "options.milvus.shards"),
        (own(shards="many"), ConfigError, "options.milvus.shards"),
        (own(index_type="GPU_CAGRA"), ConfigError, "options.milvus.index_type"),
        (own(index_type="IVF_PQ"), ConfigError, "IVF_PQ needs m"),
        (own(index_params={"m": [1]}), ConfigError, "options.milvus.index_params.m"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(
    store: VectorSpec, error: type[PolystoreError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        check_store(store)
    assert caught.value.hint


def test_options_of_others_are_theirs() -> None:
    check_store(spec(options={"postgres": {"fillfactor": 90}}))


def test_indexes_and_what_they_are_searched_with() -> None:
    for store, kind, built, found in (
        (spec(), "HNSW", {"M": 16, "efConstruction": 128}, {"ef": 100}),
        (spec(index={"type": "ivfflat"}), "IVF_FLAT", {"nlist": 128}, {"nprobe": 16}),
        (spec(index={"type": "ivfflat", "lists": 4}), "IVF_FLAT", {"nlist": 4}, {"nprobe": 1}),
        (spec(index={"type": "none"}), "FLAT", {}, {}),
        (own(index_type="IVF_SQ8"), "IVF_SQ8", {"nlist": 128}, {"nprobe": 16}),
        (
            own(index_type="SCANN", search_params={"reorder_k": 200}),
            "SCANN",
            {"nlist": 128},
            {"nprobe": 16, "reorder_k": 200},
        ),
        (own(index_type="DISKANN"), "DISKANN", {}, {"search_list": 100}),
        (
            own(index_type="IVF_PQ", index_params={"m": 4}),
            "IVF_PQ",
            {"nlist": 128, "m": 4},
            {"nprobe": 16},
        ),
        (own(index_type="AUTOINDEX"), "AUTOINDEX", {}, {}),
    ):
        assert index_type(store) == kind
        assert build_params(store) == built
        assert search_params(store, 100, None, None) == found
    assert search_params(spec(), 10, 300, None) == {"ef": 300}
    assert search_params(spec(index={"type": "ivfflat"}), 10, None, 999) == {"nprobe": 128}


def test_lite_has_fewer_indexes() -> None:
    for kind in ("SCANN", "DISKANN"):
        with pytest.raises(UnsupportedError, match=f"Lite has no index {kind}"):
            check_index(own(index_type=kind), lite=True, backend="main")
        check_index(own(index_type=kind), lite=False, backend="main")
