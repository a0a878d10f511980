"""From a configuration to declared stores and open backends."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from distributions import WORKING, install

import polystore
from polystore.config import load_config
from polystore.declaring import declare, load_backend_class, with_default_backend
from polystore.errors import Closed, ConfigError, PluginError, SchemaMismatch, StoreNotFound
from polystore.plugins.registry import Registry
from polystore.runtime import Runtime
from polystore.specs import DocSpec, GraphSpec, KVSpec, VectorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from distributions import Install

    from polystore.specs import StoreSpec

__all__ = ["install"]
MEMORY: dict[str, Any] = {"backends": {"main": {"use": "memory"}}}
SETS = """
@hookimpl
def polystore_store_sets():
    return {"kit": [KVSpec(name="cache", ttl=5), DocSpec(name="documents")]}
"""


def names(config: dict[str, Any], *specs: StoreSpec) -> dict[str, tuple[str, str]]:
    found = declare(load_config(config), Registry(), specs)
    return {name: (declared.spec.kind, declared.origin) for name, declared in found.items()}


async def failure(source: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        async with polystore.open(source):
            raise AssertionError("it opened")
    return caught.value


def test_without_backends_the_default_plugin_serves(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="polystore"):
        config = with_default_backend(load_config(None), Registry())
    assert config.backends["main"].use == "postgres"
    assert config.backends["main"].settings == {"embedded": True}
    assert "no backends are configured: using postgres" in caplog.text


def test_configured_backends_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    config = load_config(MEMORY)
    assert with_default_backend(config, Registry()) is config
    assert caplog.text == ""


def test_a_file_with_stores_only_gets_the_default_backend() -> None:
    config = with_default_backend(load_config({"stores": {"a": {"kind": "kv"}}}), Registry())
    assert config.backend_of(config.stores["a"]) == "main"


def test_stores_of_file_and_code() -> None:
    config = MEMORY | {"stores": {"a": {"kind": "kv"}}}
    assert names(config, KVSpec(name="a", ttl=3), DocSpec(name="b")) == {
        "a": ("kv", "yaml"),
        "b": ("doc", "code"),
    }


def test_the_file_stands_in_for_the_code() -> None:
    config = load_config(MEMORY | {"stores": {"a": {"kind": "kv", "ttl": "7d"}}})
    declared = declare(config, Registry(), [KVSpec(name="a", ttl=3)])
    assert declared["a"].spec == KVSpec(name="a", ttl=7 * 86400)


def test_the_file_stands_in_for_an_included_set(install: Install) -> None:
    install("polystore-kit", plugins={"kit": WORKING.format(name="kit") + SETS})
    config = MEMORY | {"include": ["kit"], "stores": {"cache": {"kind": "kv"}}}
    assert names(config) == {"cache": ("kv", "yaml"), "documents": ("doc", "code")}


@pytest.mark.parametrize("specs", [[GraphSpec(name="a")], [DocSpec(name="a"), KVSpec(name="a")]])
def test_two_kinds_under_one_name_are_refused(specs: list[StoreSpec]) -> None:
    with pytest.raises(ConfigError, match=r"'a' is declared as kv and as (graph|doc)"):
        names(MEMORY | {"stores": {"a": {"kind": "kv"}}}, *specs)


def test_two_declarations_by_the_code_must_agree() -> None:
    assert names(MEMORY, KVSpec(name="a", ttl=3), KVSpec(name="a", ttl=3)) == {"a": ("kv", "code")}
    with pytest.raises(ConfigError, match="declare it twice"):
        names(MEMORY, KVSpec(name="a", ttl=3), KVSpec(name="a", ttl=4))


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(PluginError, match="no plugin called 'kit' is installed"):
        names(MEMORY | {"include": ["kit"]})


async def test_stores_come_into_being_where_none_is_declared() -> None:
    async with polystore.open(MEMORY) as ps:
        await ps.kv("one").put("k", 1)
        await ps.doc("two").put("d", {"x": 1})
        await ps.graph("three").upsert_nodes([polystore.Node("n")])
        with pytest.raises(StoreNotFound, match="its dimensions are unknown"):
            ps.vector("four")
        assert {(size.store, size.rows) for size in await ps.sizes()} == {
            ("one", 1),
            ("two", 1),
            ("three", 1),
        }
        with pytest.raises(StoreNotFound, match="'one' is a kv store, not a doc store"):
            ps.doc("one")


async def test_declared_stores_make_it_strict() -> None:
    config = MEMORY | {"stores": {"chunks": {"kind": "vector", "dimensions": 2}}}
    async with polystore.open(config) as ps:
        with pytest.raises(StoreNotFound, match="Did you mean 'chunks'"):
            ps.vector("chnks")
        with pytest.raises(StoreNotFound, match="Declared kv stores: none"):
            ps.kv("cache")
    async with polystore.open(config | {"strict": False}) as ps:
        await ps.kv("cache").put("k", 1)
        with pytest.raises(StoreNotFound):
            ps.vector("chnks")


async def test_strict_without_stores_refuses_all_but_those_of_the_code() -> None:
    spec = VectorSpec(name="chunks", dimensions=2)
    async with polystore.open(MEMORY | {"strict": True}, stores=[spec]) as ps:
        assert await ps.vector("chunks").count() == 0
        with pytest.raises(StoreNotFound):
            ps.kv("cache")


async def test_an_inferred_store_is_not_made_where_the_schema_is_checked() -> None:
    config = {"backends": {"main": {"use": "memory", "schema": "check"}}}
    async with polystore.open(config) as ps:
        with pytest.raises(SchemaMismatch, match="the kv store 'cache' does not exist"):
            await ps.kv("cache").put("k", 1)
        assert await ps.sizes() == []


async def test_an_unknown_plugin_is_named_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "polystore.yaml"
    file.write_text("backends:\n  main: {use: memory}\n  other:\n    use: memori\n")
    error = await failure(file)
    assert isinstance(error, PluginError)
    assert f"{file}:4: backends.other.use: no plugin called 'memori'" in error.message
    assert error.hint is not None
    assert error.hint.startswith("Did you mean 'memory'?")


async def test_what_the_environment_says_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ENGINE", "hunter2-secret")
    error = await failure({"backends": {"main": {"use": "${ENGINE}"}}})
    assert "hunter2" not in str(error)
    assert error.__cause__ is None


async def test_the_problems_of_all_blocks_are_told_together(tmp_path: Path) -> None:
    file = tmp_path / "polystore.yaml"
    file.write_text(
        "backends:\n  one: {use: memory, sharde: x}\n  two: {use: memory, retries: many}\n"
        "defaults: {kv: one}\n"
    )
    lines = str(await failure(file)).splitlines()
    assert lines[0] == f"{file} has 2 problems"
    assert lines[1].startswith(f"{file}:2: backends.one.sharde is not known; did you mean shared?")
    assert lines[2].startswith(f"{file}:3: backends.two.retries")


async def test_a_plugin_without_its_driver_says_what_to_install(install: Install) -> None:
    install("polystore-fresh", plugins={"fresh": WORKING.format(name="fresh")})
    error = await failure({"backends": {"main": {"use": "fresh"}}})
    assert isinstance(error, PluginError)
    assert error.hint is not None
    assert "pip install polystore-fresh" in error.hint


def test_a_class_that_is_no_backend_is_refused(install: Install) -> None:
    source = WORKING.format(name="fresh") + "INFO['backend'] = 'polystore.specs:KVSpec'\n"
    install("polystore-fresh", plugins={"fresh": source})
    with pytest.raises(PluginError, match="is no Backend"):
        load_backend_class(Registry().backend_info("fresh"))


async def test_a_tolerant_runtime_keeps_what_opens(install: Install) -> None:
    install("polystore-fresh", plugins={"fresh": WORKING.format(name="fresh")})
    config = {
        "backends": {"main": {"use": "memory"}, "odd": {"use": "fresh"}},
        "defaults": {"kv": "odd", "doc": "main"},
        "stores": {"cache": {"kind": "kv"}, "documents": {"kind": "doc"}},
    }
    async with polystore.open(config, tolerant=True) as ps:
        await ps.doc("documents").put("d", {"x": 1})
        with pytest.raises(PluginError, match="cannot be imported"):
            ps.kv("cache")
        assert [(one.backend, one.ok) for one in await ps.health()] == [
            ("main", True),
            ("odd", False),
        ]


async def test_a_store_cannot_be_used_before_opening() -> None:
    runtime = Runtime(load_config(MEMORY), Registry(), [])
    with pytest.raises(Closed):
        runtime.bound("kv", "cache")


async def test_a_requirement_that_the_backend_lacks_is_refused() -> None:
    config = MEMORY | {"stores": {"a": {"kind": "kv"}}, "require": {"a": ["durable"]}}
    with pytest.raises(polystore.PolystoreError, match="capability 'durable'"):
        async with polystore.open(config):
            raise AssertionError("it opened")


async def test_a_backend_without_ttl_refuses_a_store_with_it(install: Install) -> None:
    backend = """
from polystore_memory.backend import MemoryBackend
class Backend(MemoryBackend):
    def capabilities(self, kind):
        return Capabilities() if kind == "kv" else None
INFO["backend"] = f"{__name__}:Backend"
from polystore_memory.config import MemoryConfig
INFO["config"] = MemoryConfig
"""
    install("polystore-fresh", plugins={"fresh": WORKING.format(name="fresh") + backend})
    config = {
        "backends": {"main": {"use": "fresh"}},
        "stores": {"a": {"kind": "kv", "ttl": "1d"}},
    }
    with pytest.raises(polystore.PolystoreError, match="capability 'ttl'"):
        async with polystore.open(config):
            raise AssertionError("it opened")
