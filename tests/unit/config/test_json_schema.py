"""The schema for editors accepts what is right and underlines what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, SecretStr

from polystore.config import BackendConfig, config_json_schema
from polystore.config.yaml_file import parse_yaml

EXAMPLE = """
workspace: acme
backends:
  main:  {use: postgres, dsn: "${POSTGRES_DSN}", pool: {min: 2, max: 20},
          ssl: {mode: verify-full, root_cert: ca.pem}}
  cache: {use: redis, url: "${REDIS_URL:-redis://localhost}"}
defaults: {kv: cache, vector: main, graph: main, doc: main}
stores:
  llm_cache: {kind: kv, ttl: 7d}
  chunks:
    kind: vector
    dimensions: 384
    metric: cosine
    embedding_model: all-MiniLM-L6-v2
    fields: {doc_id: string, year: integer}
    index: {type: auto, m: 16, ef_construction: 128, quantization: none}
    options: {postgres: {fillfactor: 90}}
  knowledge: {kind: graph, directed: true}
  documents: {kind: doc, backend: main, indexes: [status, created_at]}
require: {chunks: [filter], documents: [transaction]}
"""


class PoolConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")
    min: int = 1
    max: int = 10


class SslConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: Literal["disable", "verify-full"] = "disable"
    root_cert: Path | None = None


class PostgresConfig(BackendConfig):
    use: Literal["postgres"] = "postgres"
    dsn: SecretStr | None = None
    pool: PoolConfig = PoolConfig()
    ssl: SslConfig = SslConfig()


class Redis:
    class PoolConfig(BaseModel):
        """Has the same name as another plugin's, and other keys."""

        model_config = ConfigDict(extra="forbid")
        size: int = 1


class RedisConfig(BackendConfig):
    url: str
    pool: Redis.PoolConfig = Redis.PoolConfig()


SCHEMA = config_json_schema({"postgres": PostgresConfig, "redis": RedisConfig})


def complaints(text: str) -> list[str]:
    data: Any = parse_yaml(text, "f.yaml").data
    validator = Draft202012Validator(SCHEMA)
    return [error.json_path for error in validator.iter_errors(data)]  # pyright: ignore[reportUnknownMemberType]: untyped library


def test_it_is_a_schema_and_json() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_reference_is_defined() -> None:
    text = json.dumps(SCHEMA)
    for part in text.split('"$ref": "#/$defs/')[1:]:
        assert part.split('"')[0] in SCHEMA["$defs"]


@pytest.mark.parametrize(
    "text",
    [EXAMPLE, "", "stores:\ndefaults:\n", "tenancy: required\nworkspace: null",
     "backends: {a: {use: postgres, timeout: 30s, retries: '${R:-3}', pool: {max: '${M}'}}}",
     "backends: {a: {use: postgres, timeout: 1.5, dsn: {env: DSN}, schema: null}}",
     "backends: {a: {use: postgres, dsn: {file: dsn.txt}, schema: '${S}'}}",
     "backends: {a: {use: redis, url: x, pool: {size: 3}}}",
     "stores: {a: {kind: doc, indexes: [a, [b, -c]]}, b: {kind: vector, dimensions: '${D}'}}"],
)  # fmt: skip
def test_right(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [("workspac: a", "$"), ("tenancy: requird", "$.tenancy"), ("backends: {}", "$.backends"),
     ("backends: {a: {}}", "$.backends.a"), ("backends: {a: {use: redsi}}", "$.backends.a.use"),
     ("backends: {a: {use: redis}}", "$.backends.a"),
     ("backends: {a: {use: redis, url: x, dsn: y}}", "$.backends.a"),
     ("backends: {a: {use: redis, url: x, pool: {max: 1}}}", "$.backends.a.pool"),
     ("backends: {a: {use: postgres, pool: {mx: 1}}}", "$.backends.a.pool"),
     ("backends: {a: {use: postgres, pool: {max: many}}}", "$.backends.a.pool.max"),
     ("backends: {a: {use: postgres, dsn: {evn: X}}}", "$.backends.a.dsn"),
     ("backends: {a: {use: postgres, dsn: {env: X, file: y}}}", "$.backends.a.dsn"),
     ("backends: {a: {use: postgres, schema_: auto}}", "$.backends.a"),
     ("backends: {a: {use: postgres, retries: true}}", "$.backends.a.retries"),
     ("defaults: {kvs: a}", "$.defaults"), ("stores: {A: {kind: kv}}", "$.stores"),
     ("stores: {a: {kind: kvs}}", "$.stores.a.kind"), ("stores: {a: {}}", "$.stores.a"),
     ("stores: {a: {kind: kv, name: a}}", "$.stores.a"),
     ("stores: {a: {kind: vector}}", "$.stores.a"),
     ("stores: {a: {kind: kv, dimensions: 3}}", "$.stores.a"),
     ("stores: {a: {kind: vector, dimensions: 3, index: {typ: x}}}", "$.stores.a.index"),
     ("require: {a: [filtr]}", "$.require.a[0]"), ("include: a", "$.include")],
)  # fmt: skip
def test_wrong(text: str, place: str) -> None:
    assert place in complaints(text)
