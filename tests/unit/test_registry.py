"""Plugins as they come: broken, twice, for another version, beside a stranger of our name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from distributions import WORKING, install

from polystore.errors import ConfigError, PluginError
from polystore.plugins.registry import Registry, installed_plugins, plugin_distributions

if TYPE_CHECKING:
    from distributions import Install

__all__ = ["install"]


def plugin(name: str, *more: str) -> str:
    return WORKING.format(name=name) + "\n".join(more)


def refused(use: str) -> PluginError:
    with pytest.raises(PluginError) as caught:
        Registry().backend_info(use)
    return caught.value


def test_a_plugin_is_found_by_its_entry_point(install: Install) -> None:
    install("polystore-fresh", plugins={"fresh": plugin("fresh")})
    assert "fresh" in installed_plugins()
    assert Registry().backend_info("fresh").name == "fresh"
    assert ("polystore-fresh", "1.0", ["fresh"]) in plugin_distributions()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('no luck')", "cannot be imported: RuntimeError('no luck')"),
        ("import does_not_exist_anywhere", "cannot be imported: ModuleNotFoundError"),
        ("this is no Python", "cannot be imported: SyntaxError"),
        ("", "must return one BackendInfo"),
        (plugin("odd", "INFO['contract'] = 99"), "contract version 99"),
        (plugin("other"), "calls its backend 'other'"),
        (plugin("odd", "INFO.clear()"), "fails to tell about its backend: TypeError"),
        (
            plugin("odd", "@hookimpl", "def polystore_backend():", "    return None"),
            "breaks the contract",
        ),
        (
            "from polystore.plugins.hookspecs import hookimpl\n"
            "@hookimpl\ndef polystore_backends(registry):\n    return None",
            "breaks the contract",
        ),
        (
            "from polystore.plugins.hookspecs import hookimpl\n"
            "@hookimpl\ndef polystore_backends():\n    return {'name': 'odd'}",
            "must return one BackendInfo",
        ),
    ],
)
def test_a_broken_plugin_says_why_and_hurts_no_other(
    install: Install, source: str, why: str
) -> None:
    install("polystore-odd", plugins={"odd": source})
    registry = Registry()
    for _ in range(2):  # a second attempt is not told anything else
        with pytest.raises(PluginError) as caught:
            registry.backend_info("odd")
        assert why in str(caught.value)
        assert "odd" in str(caught.value)
        assert registry.backend_info("memory").name == "memory"


def test_two_distributions_with_one_name(install: Install) -> None:
    install("polystore-one", plugins={"same": plugin("same")})
    install("polystore-two", plugins={"same": plugin("same")})
    error = refused("same")
    assert "polystore-one, polystore-two" in error.message
    assert error.hint == "Uninstall all but one of them"


def test_a_distribution_found_twice_is_one(install: Install) -> None:
    install("polystore-twice", plugins={"twice": plugin("twice")})
    install("polystore-twice", version="2.0", plugins={"twice": plugin("twice")})
    assert Registry().backend_info("twice").name == "twice"


def test_an_unknown_name_gets_the_nearest(install: Install) -> None:
    install("polystore-fresh", plugins={"fresh": plugin("fresh")})
    error = refused("frehs")
    assert error.hint is not None
    assert error.hint.startswith("Did you mean 'fresh'?")
    assert "pip install polystore-frehs" in error.hint


def test_the_foreign_distribution_is_refused(install: Install) -> None:
    install("polystore", version="9.9")
    for act in (
        lambda: Registry().backend_info("memory"),
        lambda: Registry().store_set("memory"),
        lambda: Registry().default_backend(),
    ):
        with pytest.raises(ConfigError, match=r"polystore 9\.9, which is another") as caught:
            act()
        assert "pip uninstall polystore" in (caught.value.hint or "")


def test_two_defaults_are_refused(install: Install) -> None:
    install("polystore-mine", plugins={"mine": plugin("mine")}, default=True)
    with pytest.raises(PluginError, match="2 plugins offer themselves") as caught:
        Registry().default_backend()
    assert "polystore init" in (caught.value.hint or "")


SETS = """
@hookimpl
def polystore_store_sets():
    return {"kit": [KVSpec(name="kit_cache"), DocSpec(name="kit_docs")], "more": []}
"""


def test_store_sets_come_from_the_plugin_of_that_name(install: Install) -> None:
    install("polystore-kit", plugins={"kit": plugin("kit", SETS)})
    registry = Registry()
    assert [spec.name for spec in registry.store_set("kit")] == ["kit_cache", "kit_docs"]
    with pytest.raises(PluginError, match="brings no set of stores called 'memory'"):
        registry.store_set("memory")


SIZED = """
from polystore.errors import ConfigError
from polystore.plugins.hookspecs import hookimpl
from polystore.sources import SourceInfo
from polystore.specs import VectorSpec

@hookimpl
def polystore_store_sets(settings):
    if "dimensions" not in settings:
        raise ConfigError("how many dimensions?")
    return {"sized": [VectorSpec(name="sized_texts", dimensions=settings["dimensions"])]}

@hookimpl
def polystore_sources():
    return {"sized": SourceInfo("nowhere.at_all:Source", "a folder")}
"""


def test_a_set_takes_settings(install: Install) -> None:
    install("polystore-sized", plugins={"sized": SIZED})
    install("polystore-kit", plugins={"kit": plugin("kit", SETS)})
    registry = Registry()
    assert registry.store_set("sized", {"dimensions": 3})[0].name == "sized_texts"
    with pytest.raises(ConfigError, match="how many dimensions"):
        registry.store_set("sized")
    with pytest.raises(PluginError, match="'kit' takes no settings"):
        registry.store_set("kit", {"dimensions": 3})


def test_a_plugin_without_a_backend(install: Install) -> None:
    install("polystore-sized", plugins={"sized": SIZED})
    install("polystore-empty", plugins={"empty": ""})
    registry = Registry()
    assert not registry.brings_backend("sized")
    assert registry.brings_backend("memory")
    assert registry.brings_backend("empty")  # it should, and using it says so
    assert registry.source("sized").description == "a folder"
    with pytest.raises(PluginError, match="'memory' brings nothing to migrate from"):
        registry.source("memory")


def test_only_what_is_named_is_loaded(install: Install) -> None:
    install("polystore-loud", plugins={"loud": "raise SystemExit('loaded')"})
    registry = Registry()
    registry.backend_info("memory")
    assert "loud" in installed_plugins()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("polystore_silent")
