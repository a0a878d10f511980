"""What a right configuration comes to, and every way in which its parts may not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from pydantic import SecretStr, field_validator

from polystore.capabilities import Feature
from polystore.config import (
    BackendConfig,
    PolystoreConfig,
    RawBackend,
    load_config,
    validate_backend,
    validate_backends,
)
from polystore.errors import ConfigError
from polystore.specs import DocSpec, GraphSpec, KVSpec, VectorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

DESIGN = """
workspace: acme
backends:
  main:  {use: postgres, dsn: "${POSTGRES_DSN}", pool: {min: 2, max: 20}}
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


def test_the_whole_example(load: Callable[..., PolystoreConfig]) -> None:
    config = load(DESIGN, POSTGRES_DSN="postgresql://h/d")
    assert config.workspace == "acme"
    assert config.is_strict
    assert config.backends["main"].use == "postgres"
    assert config.backends["main"].settings == {
        "dsn": "postgresql://h/d", "pool": {"min": 2, "max": 20},
    }  # fmt: skip
    assert config.backends["cache"].settings == {"url": "redis://localhost"}
    assert config.stores["llm_cache"] == KVSpec(name="llm_cache", ttl=7 * 86400)
    assert isinstance(config.stores["chunks"], VectorSpec)
    assert config.stores["chunks"].options_for("postgres") == {"fillfactor": 90}
    assert config.stores["knowledge"] == GraphSpec(name="knowledge")
    assert config.stores["documents"] == DocSpec(
        name="documents", backend="main", indexes=(("status",), ("created_at",))
    )
    assert config.require == {"chunks": [Feature.FILTER], "documents": [Feature.TRANSACTION]}
    served = {name: config.backend_of(spec) for name, spec in config.stores.items()}
    assert served == {
        "llm_cache": "cache", "chunks": "main", "knowledge": "main", "documents": "main",
    }  # fmt: skip
    assert config.source == Path("polystore.yaml").resolve()


@pytest.mark.parametrize("text", ["", "stores:\ndefaults:\nrequire:\ninclude:\n", "# nothing"])
def test_empty_is_the_default(load: Callable[..., PolystoreConfig], text: str) -> None:
    ours, default = load(text), load_config(None)
    assert ours.model_copy(update={"source": None, "base_dir": default.base_dir}) == default
    assert default.backends == {}
    assert default.stores == {}
    assert default.workspace == "default"
    assert default.source is None
    assert not default.is_strict


def test_a_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = {
        "backends": {"main": {"use": "engine", "timeout": "${T}", "path": Path("x")}},
        "stores": {"a": {"kind": "kv", "ttl": 5}},
    }
    config = load_config(written, environ={"T": "9"})
    assert config.backends["main"].settings == {"timeout": "9", "path": Path("x")}
    assert written["backends"]["main"]["timeout"] == "${T}"
    assert config.base_dir == tmp_path
    assert config.source is None


def test_errors_in_a_mapping_name_the_key() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"backend": {}, "stores": {"a": {"kind": "kv", "tll": 5}}})
    assert str(caught.value).splitlines() == [
        "configuration has 2 problems",
        "configuration: backend is not known; did you mean backends?",
        "configuration: stores.a.tll is not known; did you mean ttl?",
    ]


def test_mappings_that_are_none() -> None:
    with pytest.raises(ConfigError, match="a key of stores is not a text but int"):
        load_config({"stores": {1: {"kind": "kv"}}})
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_config({"stores": endless})
    with pytest.raises(ConfigError, match="a path or a mapping, not int"):
        load_config(cast("Any", 5))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        (b"a: 1\nb: \xff", "f.yaml:2: the text is not UTF-8"),
        (b"#" * 2**21, "more than 1048576 bytes is no configuration"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "f.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        load_config(tmp_path / "f.yaml")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config("nul\0byte")


BACKENDS = "backends: {main: {use: engine}, cache: {use: engine}}\n"
ONE = "backends: {main: {use: engine}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workspac: x", "1: workspac is not known; did you mean workspace?"),
        ("source: x", "1: source is not known; did you mean stores?"),
        ("zzz: x", "1: zzz is not known; known are backends, defaults, include, relations, "
                      "require, stores, strict, tenancy, workspace"),
        ("base_dir: x", "1: base_dir is not known"),
        ("workspace: ''", "1: workspace: the workspace name is empty"),
        (f"workspace: {'x' * 300}", "1: workspace: the workspace name has 300 bytes"),
        ("workspace: 5", "1: workspace must be a valid string; put it in quotes"),
        ("workspace:", "1: workspace: null needs `tenancy: required`"),
        ("tenancy: required\nworkspace: a", "2: workspace: `tenancy: required` forbids"),
        ("tenancy: requird", "1: tenancy must be 'optional' or 'required'; did you mean required?"),
        ("strict: 3", "1: strict must be a valid boolean"),
        ("include: lightrag", "1: include must be a valid list"),
        ("include: [1]", "1: include[0] must be a valid string; put it in quotes, "
         "or a valid dictionary"),
        ("include: [{a: 1}]", "1: include[0].a must be a valid dictionary"),
        ("backends:", "1: backends must be a mapping of keys to values"),
        ("backends: {}", "1: backends is empty; declare one, or remove the key"),
        ("backends: [a]", "1: backends must be a mapping of keys to values"),
        ("backends: {main: postgres}", "1: backends.main must be a mapping of keys to values"),
        ("backends: {main: {}}", "1: backends.main.use is missing; it names the type of backend"),
        ("backends: {main: {use: 5}}", "1: backends.main.use must be a text"),
        ("backends: {a b: {use: x}}", "1: backends.'a b': 'a b' is no backend name. Use"),
        ("stores: [a]", "1: stores must be a mapping of keys to values"),
        ("stores: {a: kv}", "1: stores.a must be a mapping of keys to values"),
        ("stores: {a: {}}", "1: stores.a.kind is missing; it is one of kv, vector, graph, doc"),
        ("stores: {a: {kind: vectr}}",
         "1: stores.a.kind must be one of kv, vector, graph, doc; did you mean vector?"),
        ("stores: {a: {kind: [kv]}}", "1: stores.a.kind must be one of kv, vector, graph, doc"),
        ("stores: {A: {kind: kv}}", "1: stores.A: 'A' is no store name. Use"),
        ("stores: {a__b: {kind: kv}}", "1: stores.a__b: 'a__b' is no store name. Use"),
        ("stores: {a: {kind: kv, name: b}}", "1: stores.a.name is not known; a store's name is"),
        ("stores: {a: {kind: vector}}", "1: stores.a.dimensions is missing"),
        ("stores: {a: {kind: vector, dimensions: true}}",
         "1: stores.a.dimensions must be a number, not true or false"),
        ("stores: {a: {kind: vector, dimensions: 0}}",
         "1: stores.a.dimensions must be greater than or equal to 1"),
        ("stores: {a: {kind: vector, dimensions: 3, index: {typ: hnsw}}}",
         "1: stores.a.index.typ is not known; did you mean type?"),
        ("stores: {a: {kind: vector, dimensions: 3, index: {m: 90}}}",
         "1: stores.a.index: ef_construction must be at least"),
        ("stores: {a: {kind: vector, dimensions: 3, fields: {x: strin}}}",
         "1: stores.a.fields.x must be 'string', 'integer'"),
        ("stores: {a: {kind: kv, ttl: soon}}", "1: stores.a.ttl: 'soon' is not a duration"),
        ("stores: {a: {kind: kv, ttl: 0}}", "1: stores.a.ttl: a duration must be positive"),
        ("stores: {a: {kind: doc, indexes: [[a, b, c, d]]}}",
         "1: stores.a.indexes[0]: an index has 1 to 3 fields"),
        ("stores: {a: {kind: doc, indexs: [b]}}",
         "1: stores.a.indexs is not known; did you mean indexes?"),
        ("stores: {a: {kind: kv, indexes: [b]}}", "1: stores.a.indexes is not known; known are"),
        (f"{ONE}defaults: {{kv: mian}}",
         "2: defaults.kv: the backend 'mian' is not declared; did you mean main?"),
        (f"{ONE}defaults: {{kvs: main}}", "2: defaults.kvs is not known; did you mean kv?"),
        (f"{ONE}defaults: {{kv: }}", "2: defaults.kv must be a valid string"),
        (f"{ONE}defaults: main", "2: defaults must be a valid dictionary"),
        (f"{ONE}stores: {{a: {{kind: kv, backend: mian}}}}",
         "2: stores.a.backend: the backend 'mian' is not declared; did you mean main?"),
        (f"{BACKENDS}stores: {{a: {{kind: kv}}}}",
         "2: stores.a names no backend and `defaults` has none for kv; add `backend:`"),
        ("require: {chunk: [filter]}\nstores: {chunks: {kind: kv}}",
         "1: require.chunk: the store 'chunk' is not declared; did you mean chunks?"),
        ("require: {chunk: [filter]}", "1: require.chunk: the store 'chunk' is not declared; none"),
        ("require: {a: [filtr]}\nstores: {a: {kind: kv}}",
         "1: require.a[0] is not one that is known; did you mean filter?"),
        ("require: {a: filter}\nstores: {a: {kind: kv}}", "1: require.a must be a valid list"),
    ],
)  # fmt: skip
def test_what_does_not_fit(wrong: Callable[..., list[str]], text: str, expected: str) -> None:
    (line,) = wrong(text)
    assert line.startswith(f"polystore.yaml:{expected}")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("prot: 1", ".prot is not known; did you mean port?"),
        ("PORT: 1", ".PORT is not known; did you mean port?"),
        ("schema_: auto", ".schema_ is not known; did you mean schema?"),
        ("schema: atuo", ".schema must be 'auto', 'check' or 'off'; did you mean auto?"),
        ("zzz: 1", ".zzz is not known; known are dsn, embedded, hosts, max_in_flight, "),
        ("pool: {mx: 1}", ".pool.mx is not known; did you mean max?"),
        ("pool: {mxa: 1}", ".pool.mxa is not known; did you mean max?"),
        ("pool: {max: 0}", ".pool.max must be greater than or equal to 1"),
        ("pool: {max: many}", ".pool.max must be a valid integer, unable to parse"),
        ("pool: {max: true}", ".pool.max must be a number, not true or false"),
        ("pool: 5", ".pool must be a valid dictionary or instance of PoolConfig"),
        ("retries: false", ".retries must be a number, not true or false"),
        ("retries: -1", ".retries must be greater than or equal to 0"),
        ("timeout: true", ".timeout must be a number, not true or false"),
        ("timeout: 0s", ".timeout: a duration must be positive"),
        ("ssl: {mod: require}", ".ssl.mod is not known; did you mean mode?"),
        (
            "ssl: {mode: verify_full}",
            ".ssl.mode must be 'disable', 'require' or 'verify-full'; did you mean verify-full?",
        ),
        (
            "ssl: disabled",
            ".ssl must be a valid dictionary or instance of SslConfig, or "
            "'disable' or 'require'; did you mean disable?",
        ),
        ("user: 5", ".user must be a valid string; put it in quotes"),
        ("user: guest7", ".user: the user guest7 may not log in"),
        ("hosts: [a, 5]", ".hosts[1] must be a valid string; put it in quotes"),
        ("hosts: a", ".hosts must be a valid list"),
        ("embedded: maybe", ".embedded must be a valid boolean, unable to interpret input"),
    ],
)
def test_settings_that_do_not_fit(
    wrong: Callable[..., list[str]], body: str, expected: str
) -> None:
    (line,) = wrong(f"backends:\n  main:\n    use: engine\n    {body}\n")
    assert line.startswith(f"polystore.yaml:4: backends.main{expected}")


def test_all_problems_are_told_in_order(wrong: Callable[..., list[str]]) -> None:
    text = """\
workspac: acme
backends:
  main: {use: engine}
  cache: engine
defaults: {kv: cach}
stores:
  a: {kind: kv, ttl: 7 dogs, tll: 3}
  b: {kind: doc}
"""
    assert [line.split(": ", 1)[0] for line in wrong(text)] == [
        "polystore.yaml has 6 problems",
        *(f"polystore.yaml:{line}" for line in (1, 4, 5, 7, 7, 8)),
    ]


def test_workspaces(load: Callable[..., PolystoreConfig]) -> None:
    assert load("tenancy: required").workspace is None
    assert load("tenancy: required\nworkspace: null").workspace is None
    assert load("tenancy: optional").workspace == "default"
    assert load("workspace: 'A-b é '").workspace == "A-b é "
    assert PolystoreConfig(tenancy="required").workspace is None


def test_strict(load: Callable[..., PolystoreConfig]) -> None:
    assert not load(ONE).is_strict
    assert load("stores: {a: {kind: kv}}").is_strict
    assert not load("stores: {a: {kind: kv}}\nstrict: false").is_strict
    assert load("strict: true").is_strict


def test_requirements_of_stores_declared_elsewhere(load: Callable[..., PolystoreConfig]) -> None:
    text = "require: {chunks: [filter]}"
    assert load_config({"require": {"chunks": ["filter"]}}, declared=["chunks"]).require
    assert load(f"{text}\ninclude: [lightrag]").included == {"lightrag": {}}
    given = load("include: [a, {b: {c: 1}}]").included
    assert given == {"a": {}, "b": {"c": 1}}


def test_the_only_backend_serves_every_kind(load: Callable[..., PolystoreConfig]) -> None:
    config = load(f"{ONE}stores: {{a: {{kind: kv}}, b: {{kind: graph}}}}")
    assert {config.backend_of(spec) for spec in config.stores.values()} == {"main"}


def test_backend_of_specs_from_code() -> None:
    backends = {name: RawBackend(use="engine") for name in ("one", "two")}
    config = PolystoreConfig(backends=backends, defaults={"kv": "two"})
    assert config.backend_of(KVSpec(name="a")) == "two"
    assert config.backend_of(KVSpec(name="a", backend="one")) == "one"
    with pytest.raises(ConfigError, match="no backend is named and there is no default"):
        config.backend_of(DocSpec(name="a"))
    with pytest.raises(ConfigError, match=r"'on' is not declared.*one, two"):
        config.backend_of(DocSpec(name="a", backend="on"))


def test_unknown_backend_to_validate(load: Callable[..., PolystoreConfig]) -> None:
    with pytest.raises(ConfigError, match=r"the backend 'mian' is not declared.*mean main\?"):
        validate_backend(load(ONE), "mian", BackendConfig)


def test_common_keys(engine: Callable[..., Any]) -> None:
    plain = engine("")
    assert (plain.timeout, plain.retries, plain.max_in_flight, plain.schema_) == (30, 3, None, None)
    given = engine("timeout: 1.5h, retries: 0, max_in_flight: 4, schema: check")
    assert (given.timeout, given.retries, given.max_in_flight) == (5400.0, 0, 4)
    assert given.schema_ == "check"


def test_merged_blocks_name_the_line_of_the_key(wrong: Callable[..., list[str]]) -> None:
    text = """\
backends:
  one: &base
    use: engine
    pool: {max: none}
  two: {<<: *base, port: x}
"""
    assert wrong(text)[0].startswith("polystore.yaml:4: backends.one.pool.max must be")
    lines = wrong(text.replace("none", "9"))
    assert [line.split(" ")[:2] for line in lines] == [["polystore.yaml:5:", "backends.two.port"]]


class Strange(BackendConfig):
    use: Literal["strange"] = "strange"
    pair: tuple[int, SecretStr] = (0, SecretStr(""))
    either: int | bool | list[int] = 0

    @field_validator("either")
    @classmethod
    def _raises_an_error_of_ours(cls, value: object) -> object:
        if value == 13:
            raise ConfigError("13 brings bad luck", hint="Take another")
        return value


def test_all_backends_together(load: Callable[..., PolystoreConfig]) -> None:
    text = "backends:\n  a: {use: strange, timeout: 4}\n  b: {use: strange}\n"
    models = {"strange": Strange}
    validated = validate_backends(load(text), models)
    assert {name: block.timeout for name, block in validated.items()} == {"a": 4, "b": 30}
    with pytest.raises(ConfigError) as caught:
        validate_backends(load(text.replace("4", "x").replace("b: {", "b: {retris: 1, ")), models)
    first, *rest = str(caught.value).splitlines()
    assert first == "polystore.yaml has 2 problems"
    assert rest[0].startswith("polystore.yaml:2: backends.a.timeout: 'x' is not a duration")
    assert rest[1] == "polystore.yaml:3: backends.b.retris is not known; did you mean retries?"
    assert validate_backends(load_config(None), {}) == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("either: 13", "backends.a: 13 brings bad luck. Take another"),
        ("either: x", "backends.a.either must be a valid integer, unable to parse string as an "
                      "integer, or a valid boolean, unable to interpret input, or a valid list"),
        ("either: [1, x]", "backends.a.either[1] must be a valid integer"),
        ("pair: [1, 2]", "backends.a.pair[1] must be a valid string; put it in quotes"),
        ("pair: [1]", "backends.a.pair[1] is missing"),
        ("pair: [1, a, b]", "backends.a.pair: Tuple should have at most 2 items"),
    ],
)  # fmt: skip
def test_unusual_models(load: Callable[..., PolystoreConfig], body: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate_backend(load(f"backends: {{a: {{use: strange, {body}}}}}"), "a", Strange)
    assert str(caught.value).startswith(f"polystore.yaml:1: {expected}")
    right = load("backends: {a: {use: strange, pair: ['1', {env: S}], either: true}}", S="x")
    settings = validate_backend(right, "a", Strange)
    assert (settings.pair[1].get_secret_value(), settings.either) == ("x", True)
