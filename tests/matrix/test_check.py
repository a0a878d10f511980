"""What an engine lacks is told by `check`, and refused by `require:` before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from servers.redis import redis_server

import polystore
from matrix.combinations import ENGINES
from polystore import DocSpec, GraphSpec, KVSpec, VectorSpec
from polystore.capabilities import KINDS, features_of
from polystore.cli.app import run as run_command
from polystore.errors import ConfigError, UnsupportedError
from polystore.plugins.registry import Registry
from polystore.schema.offline import check

if TYPE_CHECKING:
    from pathlib import Path

    from polystore.capabilities import Kind
    from polystore.specs import StoreSpec

BLOCKS: Final[dict[str, dict[str, Any]]] = {
    "memory": {"use": "memory"},
    "postgres": {"use": "postgres", "dsn": "postgresql://app@db.invalid/app"},
    "redis": {"use": "redis", "url": "redis://cache.invalid:6379/0"},
    "neo4j": {"use": "neo4j", "uri": "neo4j://graph.invalid:7687"},
    "milvus": {"use": "milvus", "uri": "http://vectors.invalid:19530"},
    "sqlite": {"use": "sqlite", "path": "polystore.db"},
}
"""A block of each backend, for servers that nobody may ask."""
SERVED: Final[dict[str, set[Kind]]] = {
    "memory": {"kv", "vector", "graph", "doc"},
    "postgres": {"kv", "vector", "graph", "doc"},
    "redis": {"kv", "doc"},
    "neo4j": {"graph"},
    "milvus": {"vector"},
    "sqlite": {"kv", "vector", "graph", "doc"},
}
LACKS: Final[dict[tuple[str, Kind], set[str]]] = {
    ("memory", "kv"): {"durable"},
    ("memory", "vector"): {"durable", "index_hnsw", "index_ivfflat"},
    ("memory", "graph"): {"durable"},
    ("memory", "doc"): {"durable"},
    ("postgres", "kv"): set(),
    ("postgres", "vector"): set(),
    ("postgres", "graph"): set(),
    ("postgres", "doc"): set(),
    ("redis", "kv"): {"transaction", "atomic_any_size"},
    ("redis", "doc"): {"transaction", "atomic_any_size"},
    ("neo4j", "graph"): {"strong_reads"},
    ("milvus", "vector"): {"transaction", "atomic_any_size", "text_search"},
    ("sqlite", "kv"): set(),
    ("sqlite", "vector"): {"index_hnsw", "index_ivfflat", "metric_ip"},
    ("sqlite", "graph"): {"fuzzy_labels"},
    ("sqlite", "doc"): set(),
}
"""What no server of a backend can do, so that a change of it is seen here."""


def spec_of(kind: Kind) -> StoreSpec:
    specs: dict[Kind, StoreSpec] = {
        "kv": KVSpec(name="one"),
        "vector": VectorSpec(name="one", dimensions=3),
        "graph": GraphSpec(name="one"),
        "doc": DocSpec(name="one"),
    }
    return specs[kind]


def config_of(use: str, kind: Kind, *features: str) -> dict[str, Any]:
    stores: dict[str, Any] = {"one": spec_of(kind).model_dump(include={"kind", "dimensions"})}
    return {"backends": {"main": BLOCKS[use]}, "stores": stores, "require": {"one": [*features]}}


def message(use: str, feature: str) -> str:
    return (
        f"store 'one': no server of the backend 'main' ({use}) has the capability {feature!r}. "
        "Name another backend, or do without"
    )


def test_every_backend_is_known_here() -> None:
    registry = Registry()
    assert {*BLOCKS} == {registry.backend_info(use).name for use in BLOCKS} == {*SERVED}
    for use, kinds in SERVED.items():
        assert registry.backend_info(use).at_most.keys() == kinds


@pytest.mark.parametrize(("use", "kind"), [(use, kind) for use in BLOCKS for kind in KINDS])
def test_a_kind_that_is_not_served(use: str, kind: Kind) -> None:
    report = check(config_of(use, kind))
    if kind in SERVED[use]:
        assert report.problems == []
    else:
        assert report.problems == [
            f"store 'one': the backend 'main' ({use}) serves no {kind} stores. "
            "Name another one with `backend:`"
        ]


@pytest.mark.parametrize(("use", "kind"), LACKS, ids=str)
def test_what_is_lacking_is_shown_and_refused(use: str, kind: Kind) -> None:
    (store,) = check(config_of(use, kind)).stores
    assert {one for one in store.lacks if not one.startswith("filter ")} == LACKS[use, kind]
    for feature in features_of(kind):
        report = check(config_of(use, kind, feature))
        lacking = str(feature) in LACKS[use, kind]
        assert report.problems == ([message(use, feature.value)] if lacking else [])
        (asked,) = [need for need in report.stores[0].requirements if need.feature == feature]
        assert (asked.verdict == "refused") is lacking
        assert asked.required


def test_the_command_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "polystore.yaml"
    file.write_text(yaml.safe_dump(config_of("redis", "doc", "transaction", "strong_reads")))
    assert run_command(["check", "--config", str(file)]) == 1
    captured = capsys.readouterr()
    rows = [line.split() for line in captured.out.splitlines()]
    assert ["one", "transaction", "require", "refused"] in rows
    assert ["one", "strong_reads", "require", "yes"] in rows
    assert any(row[:3] == ["one", "transaction,", "atomic_any_size"] for row in rows)
    assert captured.err == f"error: {message('redis', 'transaction')}\n"


@pytest.mark.parametrize(
    ("engine", "kind", "feature"),
    [
        ("memory", "doc", "durable"),
        ("sqlite", "vector", "metric_ip"),
        ("redis", "kv", "transaction"),
        ("redis_cluster", "doc", "atomic_any_size"),
        ("postgres", "graph", "fuzzy_labels"),
        ("neo4j", "graph", "strong_reads"),
        ("milvus", "vector", "text_search"),
        ("milvus_lite", "vector", "transaction"),
    ],
)
async def test_require_refuses_before_anything_runs(
    engine: str, kind: Kind, feature: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    block = {**ENGINES[engine](request, tmp_path), "schema": "auto"}
    config = {**config_of(block["use"], kind), "backends": {"main": block}}
    async with polystore.open(config) as ps:
        assert await _handle(ps, kind).count() in (0, (0, 0))
    with pytest.raises(UnsupportedError) as refused:
        async with polystore.open({**config, "require": {"one": [feature]}}):
            raise AssertionError("it was opened")
    assert refused.value.backend == "main"
    assert refused.value.store == "one"
    assert refused.value.message == f"`require:` needs the capability {feature!r}"
    assert refused.value.hint


async def test_what_depends_on_the_server_is_asked_of_it() -> None:
    with redis_server(settings={"appendonly": "no", "save": ""}) as forgetful:
        config = config_of("redis", "kv", "durable")
        config["backends"] = {"main": {"use": "redis", "url": forgetful.url, "schema": "auto"}}
        (store,) = check(config).stores
        assert [need.verdict for need in store.requirements] == ["depends on the server"]
        with pytest.raises(UnsupportedError, match="needs the capability 'durable'"):
            async with polystore.open(config):
                raise AssertionError("it was opened")
    with redis_server(settings={"appendonly": "yes", "appendfsync": "always"}) as lasting:
        config["backends"] = {"main": {"use": "redis", "url": lasting.url, "schema": "auto"}}
        async with polystore.open(config) as ps:
            assert await ps.kv("one").count() == 0


def _handle(ps: polystore.Polystore, kind: Kind) -> Any:
    return {"kv": ps.kv, "vector": ps.vector, "graph": ps.graph, "doc": ps.doc}[kind]("one")


async def test_a_kind_on_the_wrong_backend_is_refused_at_open(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    block = ENGINES["redis"](request, tmp_path)
    with pytest.raises(UnsupportedError, match="this backend serves no graph stores") as refused:
        async with polystore.open({"backends": {"main": block}}, stores=[GraphSpec(name="one")]):
            raise AssertionError("it was opened")
    assert (refused.value.backend, refused.value.store) == ("main", "one")


def test_a_feature_that_nobody_has_heard_of() -> None:
    with pytest.raises(ConfigError, match="did you mean transaction"):
        check(config_of("memory", "doc", "transactoin"))
