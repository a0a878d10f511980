"""Doctor on installations that are not well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distributions import WORKING, install

import polystore

if TYPE_CHECKING:
    from distributions import Install

    from polystore.types.reports import Finding

__all__ = ["install"]
ENGINE = """
from polystore_memory.backend import MemoryBackend
from polystore_memory.config import MemoryConfig
from polystore_memory.plugin import CAPABILITIES
class Backend(MemoryBackend):
    def capabilities(self, kind):
        return Capabilities() if kind == "kv" else CAPABILITIES[kind]
INFO |= {{
    "backend": __name__ + ":Backend", "config": MemoryConfig,
    "at_most": {at_most}, "at_least": {at_least},
}}
"""


def engine(*, at_most: str = "CAPABILITIES", at_least: str = "{}") -> str:
    return WORKING.format(name="odd") + ENGINE.format(at_most=at_most, at_least=at_least)


async def trouble(config: dict[str, Any]) -> list[Finding]:
    async with polystore.open(config, tolerant=True, schema="off") as ps:
        findings = await ps.doctor()
    return [finding for finding in findings if finding.severity in ("warning", "error")]


async def test_a_plugin_that_promises_what_it_has_not(install: Install) -> None:
    install("polystore-odd", plugins={"odd": engine(at_least="CAPABILITIES")})
    found = await trouble({"backends": {"main": {"use": "odd"}}})
    assert {finding.check for finding in found} == {"capabilities"}
    assert "feature ttl of kv stores is missing, but is in at_least" in [f.message for f in found]


async def test_a_plugin_that_has_more_than_it_says(install: Install) -> None:
    install("polystore-odd", plugins={"odd": engine(at_most='{"doc": Capabilities()}')})
    found = await trouble({"backends": {"main": {"use": "odd"}}})
    assert "feature transaction is not in at_most" in [finding.message for finding in found]


async def test_a_requirement_that_is_not_met() -> None:
    config = {
        "backends": {"main": {"use": "memory"}},
        "stores": {"a": {"kind": "kv"}},
        "require": {"a": ["durable"]},
    }
    found = await trouble(config)
    assert [(f.check, f.severity, f.store) for f in found] == [
        ("require", "error", "a"),
        ("schema", "warning", "a"),
    ]


async def test_a_store_that_is_not_served_is_told_once(install: Install) -> None:
    install("polystore-odd", plugins={"odd": engine()})
    config = {"backends": {"main": {"use": "odd"}}, "stores": {"a": {"kind": "kv", "ttl": 5}}}
    found = await trouble(config)
    assert [(f.check, f.severity, f.store) for f in found] == [("schema", "error", "a")]
    assert "capability 'ttl'" in found[0].message


async def test_what_is_well_is_examined_beside_what_is_down(install: Install) -> None:
    install("polystore-gone", plugins={"gone": WORKING.format(name="gone")})
    config = {
        "backends": {"main": {"use": "memory"}, "far": {"use": "gone"}},
        "defaults": {"kv": "far", "doc": "main"},
        "stores": {"a": {"kind": "kv"}, "b": {"kind": "doc"}},
    }
    found = await trouble(config)
    assert [(f.backend, f.check, f.store) for f in found] == [
        ("far", "reachable", None),
        ("main", "schema", "b"),
    ]


async def test_the_foreign_distribution_is_found(install: Install) -> None:
    config = {"backends": {"main": {"use": "memory"}}}
    async with polystore.open(config, tolerant=True) as ps:
        install("polystore", version="0.3")  # while we run
        findings = await ps.doctor()
    assert findings[0].check == "installation"
    assert findings[0].severity == "error"
    assert "pip uninstall polystore" in (findings[0].action or "")
