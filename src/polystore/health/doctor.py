"""What is wrong, how bad it is, and what to do about it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from polystore.errors import ConfigError, PolystoreError
from polystore.health.certificates import expiring
from polystore.health.clock import clock_skew
from polystore.health.orphans import orphans
from polystore.health.presented import presented
from polystore.plugins.registry import refuse_foreign_distribution
from polystore.runtime import check_requirements
from polystore.schema.planning import plan
from polystore.schema.undeclared import notes
from polystore.types.reports import Finding, Health

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from polystore.runtime import OpenBackend, Runtime
    from polystore.types.reports import Change, Severity

HEALTH_TIMEOUT = 5.0
"""Seconds after which a backend that says nothing is reported as not healthy."""


async def health(runtime: Runtime, *, timeout: float = HEALTH_TIMEOUT) -> list[Health]:
    """Ask every backend something small, all at once, each within `timeout` seconds."""
    asked = [_ask(runtime, opened, timeout) for opened in runtime.backends.values()]
    missing = [_reach(runtime, name, timeout) for name in runtime.failures]
    return [*await asyncio.gather(*asked, *missing)]


async def _reach(runtime: Runtime, name: str, timeout: float) -> Health:
    """Say how it is with a backend that could not be opened; perhaps it can be by now."""
    optional = runtime.is_optional(name)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            opened = await runtime.reach(name)
    except TimeoutError:
        message = f"cannot be opened within {timeout:g} s"
        return Health(name, ok=False, latency=timeout, message=message, optional=optional)
    except PolystoreError as error:
        latency = time.perf_counter() - started
        return Health(name, ok=False, latency=latency, message=str(error), optional=optional)
    return await _ask(runtime, opened, timeout)


async def _ask(runtime: Runtime, opened: OpenBackend, timeout: float) -> Health:
    optional = runtime.is_optional(opened.name)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await opened.backend.ping()
    except TimeoutError:
        message = f"no answer within {timeout:g} s"
        return Health(opened.name, ok=False, latency=timeout, message=message, optional=optional)
    except PolystoreError as error:
        latency = time.perf_counter() - started
        return Health(opened.name, ok=False, latency=latency, message=str(error), optional=optional)
    latency = time.perf_counter() - started
    return Health(opened.name, ok=True, latency=latency, optional=optional)


async def doctor(runtime: Runtime, *, deep: bool = False) -> list[Finding]:
    """Return findings about the installation, each backend and each store, the worst first.

    Give it a runtime that was opened tolerantly: a backend that cannot be opened is a finding.

    Args:
        runtime: The open runtime.
        deep: Read every row of the stores that have `relations`, too.
    """
    findings = _installation()
    findings += [
        Finding(name, "reachable", _severity(runtime, name), error.message, action=error.hint)
        for name, error in runtime.failures.items()
    ]
    for opened in runtime.backends.values():
        findings += await _examine(runtime, opened)
    findings += await _drift(runtime)
    findings += await orphans(runtime) if deep else []
    findings += _requirements(runtime, {finding.message for finding in findings})
    worst_first = {"error": 0, "warning": 1, "info": 2, "ok": 3}
    return sorted(findings, key=lambda finding: worst_first[finding.severity])


def _installation() -> list[Finding]:
    try:
        refuse_foreign_distribution()
    except ConfigError as error:
        return [Finding("polystore", "installation", "error", error.message, action=error.hint)]
    return []


def _severity(runtime: Runtime, backend: str) -> Severity:
    """Return how bad it is that a backend does not answer: caches can be done without."""
    return "warning" if runtime.is_optional(backend) else "error"


async def _examine(runtime: Runtime, opened: OpenBackend) -> list[Finding]:
    answer = await _ask(runtime, opened, HEALTH_TIMEOUT)
    if not answer.ok:
        action = "Check that the server runs, and its address"
        severity = _severity(runtime, opened.name)
        return [Finding(opened.name, "reachable", severity, answer.message, action=action)]
    message = f"answers in {answer.latency * 1000:.1f} ms"
    findings = [Finding(opened.name, "reachable", "ok", message)]
    findings += [
        Finding(opened.name, "capabilities", "error", wrong, action="Report it to its author")
        for wrong in _broken_promises(opened)
    ]
    findings += expiring(opened.name, opened.backend.config)
    findings += _pressure(opened)
    findings += await presented(opened.name, opened.backend.tls_addresses())
    try:
        findings += await clock_skew(opened.backend)
        stored = list((await opened.backend.catalogue()).values())
        findings += await opened.backend.findings(stored)
    except PolystoreError as error:
        findings.append(
            Finding(opened.name, "examination", "error", error.message, action=error.hint)
        )
    return findings


def _pressure(opened: OpenBackend) -> Iterator[Finding]:
    """Yield what says that this client asks for more at once than it may have."""
    calls, pool = opened.gate.use(), opened.backend.pool_use()
    if calls.waiting:
        message = f"{calls.waiting} calls wait while {calls.in_flight} are in flight"
        action = "Raise max_in_flight and the pool's max, or do less at the same time"
        yield Finding(opened.name, "pool", "warning", message, action=action)
    if pool is not None and pool.waiting:
        message = f"{pool.waiting} calls wait for one of {pool.in_use} connections"
        action = "Raise the pool's max, or do less at the same time"
        yield Finding(opened.name, "pool", "warning", message, action=action)


def _broken_promises(opened: OpenBackend) -> Iterator[str]:
    """Yield, in words, where the server is not what its plugin says before it is opened."""
    for kind, at_most in opened.info.at_most.items():
        live = opened.backend.capabilities(kind)
        if live is not None:
            yield from live.excess_over(at_most)
        at_least = opened.info.at_least.get(kind)
        if at_least is not None:
            for feature in sorted(at_least.features - (live.features if live else frozenset())):
                yield f"feature {feature.value} of {kind} stores is missing, but is in at_least"


def _requirements(runtime: Runtime, told: Collection[str]) -> list[Finding]:
    try:
        check_requirements(runtime)
    except PolystoreError as error:
        if error.message in told:
            return []
        where = error.backend or "polystore"
        return [
            Finding(where, "require", "error", error.message, store=error.store, action=error.hint)
        ]
    return []


async def _drift(runtime: Runtime) -> list[Finding]:
    try:
        changes, noted = await plan(runtime), await notes(runtime)
    except PolystoreError as error:
        return [
            Finding(
                error.backend or "polystore",
                "schema",
                "error",
                error.message,
                store=error.store,
                action=error.hint,
            )
        ]
    return [
        *noted,
        *(_pending(change) for change in changes),
    ]


def _pending(change: Change) -> Finding:
    return Finding(
        change.backend,
        "schema",
        "error" if change.refused else "warning",
        change.summary,
        store=change.store,
        action=change.refused or "polystore apply",
    )
