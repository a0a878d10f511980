"""The combinations: which engine serves which kind, each a few lines of the same YAML file."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from servers.namespaces import namespace_on

from polystore.capabilities import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from polystore.capabilities import Kind

Config: TypeAlias = dict[str, Any]
Placing: TypeAlias = "dict[Kind, str]"

COMBINATIONS: Final[dict[str, Placing]] = {
    "postgres": dict.fromkeys(KINDS, "postgres"),
    "postgres, embedded": dict.fromkeys(KINDS, "embedded"),
    "postgres + redis": {
        "kv": "redis",
        "vector": "postgres",
        "graph": "postgres",
        "doc": "postgres",
    },
    "neo4j + redis + milvus": {
        "kv": "redis",
        "vector": "milvus",
        "graph": "neo4j",
        "doc": "redis",
    },
    "redis + postgres + neo4j": {
        "kv": "redis",
        "vector": "postgres",
        "graph": "neo4j",
        "doc": "redis",
    },
    "postgres + milvus": {
        "kv": "postgres",
        "vector": "milvus",
        "graph": "postgres",
        "doc": "postgres",
    },
    "redis + sqlite": {"kv": "redis", "vector": "sqlite", "graph": "sqlite", "doc": "redis"},
    "valkey + postgres + memory": {
        "kv": "valkey",
        "vector": "postgres",
        "graph": "memory",
        "doc": "valkey",
    },
    "redis cluster + postgres": {
        "kv": "redis_cluster",
        "vector": "postgres",
        "graph": "postgres",
        "doc": "redis_cluster",
    },
    "no server: postgres and valkey, embedded": {
        "kv": "embedded_valkey",
        "vector": "embedded",
        "graph": "embedded",
        "doc": "embedded_valkey",
    },
    "no server: valkey and milvus lite, embedded, and sqlite": {
        "kv": "embedded_valkey",
        "vector": "milvus_lite",
        "graph": "sqlite",
        "doc": "embedded_valkey",
    },
    "sqlite": dict.fromkeys(KINDS, "sqlite"),
    "postgres + sqlite + memory": {
        "kv": "memory",
        "vector": "postgres",
        "graph": "sqlite",
        "doc": "postgres",
    },
}
"""By name: the engine of each kind."""


def table() -> str:
    """Return the combinations as docs/combinations.md shows them."""
    rows = [
        "| combination | " + " | ".join(KINDS) + " |",
        "|---|" + "---|" * len(KINDS),
        *(
            f"| {name} | " + " | ".join(placing[kind].replace("_", " ") for kind in KINDS) + " |"
            for name, placing in COMBINATIONS.items()
        ),
    ]
    return "\n".join(rows)


def config_of(placing: Placing, request: pytest.FixtureRequest, folder: Path) -> Config:
    """Return a configuration on real servers, in which nothing is stored yet.

    Args:
        placing: The engine of each kind.
        request: Gets the servers.
        folder: For engines that keep files.
    """
    engines = dict.fromkeys(placing[kind] for kind in KINDS)
    backends = {name: {"schema": "auto", **ENGINES[name](request, folder)} for name in engines}
    return {"backends": backends, "defaults": dict(placing)}


def _fresh() -> str:
    return f"matrix_{secrets.token_hex(4)}"


def _redis(request: pytest.FixtureRequest, fixture: str) -> Config:
    server = request.getfixturevalue(fixture)
    return {"use": "redis", "url": server.url, "namespace": _fresh()}


def _shared(request: pytest.FixtureRequest, fixture: str) -> Config:
    server = request.getfixturevalue(fixture)
    return {**server.block, "namespace": namespace_on(server, request, "matrix")}


ENGINES: Final[dict[str, Callable[[pytest.FixtureRequest, Path], Config]]] = {
    "memory": lambda _request, _folder: {"use": "memory", "shared": _fresh()},
    "redis": lambda request, _folder: _redis(request, "redis7"),
    "valkey": lambda request, _folder: _redis(request, "valkey9"),
    "neo4j": lambda request, _folder: _shared(request, "neo4j5"),
    "milvus": lambda request, _folder: _shared(request, "milvus23"),
    "milvus_lite": lambda _request, folder: {
        "use": "milvus",
        "embedded": str(folder / "milvus"),
    },
    "embedded_valkey": lambda _request, folder: {
        "use": "redis",
        "embedded": str(folder / "valkey"),
    },
    "redis_cluster": lambda request, _folder: {
        "use": "redis",
        "cluster": [f"127.0.0.1:{node.port}" for node in request.getfixturevalue("cluster_nodes")],
        "namespace": _fresh(),
    },
    "sqlite": lambda _request, folder: {"use": "sqlite", "path": str(folder / "polystore.db")},
    "embedded": lambda _request, folder: {
        "use": "postgres",
        "embedded": True,
        "path": str(folder / "pg"),
    },
    "postgres": lambda request, _folder: {
        "use": "postgres",
        "dsn": request.getfixturevalue("postgres_dsn"),
    },
}
"""By name: what the configuration says about an engine that the tests run."""
