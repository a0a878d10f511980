"""From what ran to what a report says."""

from __future__ import annotations

from dataclasses import fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypedDict

from polystore.backend import CONTRACT_VERSION
from polystore.capabilities import KINDS, Capabilities, Limits, features_of
from polystore.filters import OPERATORS
from polystore.testing.contracts import contract_of, promise_of, required_tests
from polystore.testing.outcomes import backend_of, override_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.capabilities import Kind
    from polystore.testing.opening import Suite
    from polystore.testing.report.runs import Run, Runs

PASSED: Final = "passed"
REFUSED: Final = "refused as declared"
NOT_APPLICABLE: Final = "not applicable"
OVERRIDDEN: Final = "overridden"
FAILED: Final = "failed"
NOT_RUN: Final = "not run"
OBSERVED: Final = (PASSED, REFUSED, NOT_APPLICABLE, OVERRIDDEN, FAILED, NOT_RUN)


class Kept(TypedDict):
    """What is declared for one kind, and can be done on the server that ran the kit."""

    features: list[str]
    undeclared: list[str]
    limits: dict[str, int | None]
    operators: dict[str, str]


class Result(TypedDict):
    """One contract in one suite."""

    suite: str
    contract: str
    promise: str
    runs: int
    declared: dict[str, bool]
    observed: str
    reasons: list[str]
    error: str | None


class Report(TypedDict):
    """What the run of one file of suites showed."""

    name: str
    backend: str
    kit: str
    contract_version: int
    ok: bool
    summary: dict[str, int]
    kinds: dict[str, Kept]
    results: list[Result]


def build(module: str, runs: Runs) -> Report:
    """Return the report on the suites of a module.

    Args:
        module: Its name, as the suites have it.
        runs: What ran.
    """
    results = [
        _result(suite, test, runs.of(suite, test))
        for suite in runs.suites(module)
        for test in required_tests(suite)
    ]
    summary = {
        observed: sum(result["observed"] == observed for result in results) for observed in OBSERVED
    }
    ran = {result["suite"] for result in results if result["runs"]}
    whole = {result["suite"] for result in results} == ran
    found = backend_of(module)
    live: Mapping[Kind, Capabilities] = {} if found is None else found.live
    return Report(
        name=module.rpartition(".")[2].removeprefix("test_"),
        backend="" if found is None else found.use,
        kit=version("polystore-core"),
        contract_version=CONTRACT_VERSION,
        ok=bool(results) and whole and not summary[FAILED],
        summary=summary,
        kinds={kind: _kept(kind, live[kind]) for kind in KINDS if kind in live},
        results=results,
    )


def _kept(kind: Kind, live: Capabilities) -> Kept:
    possible = features_of(kind)
    return Kept(
        features=[str(feature) for feature in possible if feature in live.features],
        undeclared=[str(feature) for feature in possible if feature not in live.features],
        limits={limit.name: getattr(live.limits, limit.name) for limit in fields(Limits)},
        operators={operator: _how(operator, live) for operator in OPERATORS}
        if kind != "kv"
        else {},
    )


def _how(operator: str, live: Capabilities) -> str:
    if operator in live.native_filters:
        return "native"
    return "emulated" if operator in live.emulated_filters else "refused"


def _result(suite: type[Suite], test: str, runs: list[Run]) -> Result:
    states = [_state(run) for run in runs if run.called or run.failed is not None]
    reason = override_reason(getattr(suite, test, None))
    declared: dict[str, bool] = {}
    for run in runs:
        for what, is_declared in sorted(run.outcome.declared.items()):
            declared[what] = declared.get(what, True) and is_declared
    failures = [run for run in runs if run.failed is not None]
    observed = _worst(states, overridden=reason is not None)
    return Result(
        suite=suite.__name__,
        contract=contract_of(suite, test),
        promise=promise_of(suite, test),
        runs=len(states),
        declared=declared,
        observed=observed,
        reasons=_reasons(observed, reason, runs),
        error=failures[0].error if failures else None,
    )


def _state(run: Run) -> str:
    if run.failed is not None:
        return FAILED
    if run.outcome.not_applicable is not None:
        return NOT_APPLICABLE
    return REFUSED if run.outcome.refused and not run.outcome.answered else PASSED


def _worst(states: list[str], *, overridden: bool) -> str:
    """Return what stands for all runs of a test."""
    if not states:
        return NOT_RUN
    if FAILED in states:
        return FAILED
    if overridden:
        return OVERRIDDEN
    return next(state for state in (PASSED, REFUSED, NOT_APPLICABLE) if state in states)


def _reasons(observed: str, overridden: str | None, runs: list[Run]) -> list[str]:
    found: list[Any] = [overridden]
    if observed == FAILED:
        found += [run.failed for run in runs]
    if observed == NOT_APPLICABLE:
        found += [run.outcome.not_applicable for run in runs]
    return list(dict.fromkeys(reason for reason in found if reason))
