"""The kit's contracts by name: kind, topic and test, such as `kv/expiry/test_senseless_ttl`."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore.testing.opening import Suite

KIT = "polystore.testing"
_SHARED = f"{KIT}.filters.suite"
"""Where the tests of filters stand, which three kinds inherit."""


def is_kit(module: str) -> bool:
    """Return whether a module belongs to the kit itself."""
    return module == KIT or module.startswith(f"{KIT}.")


@cache
def required_tests(suite: type[Suite]) -> tuple[str, ...]:
    """Return the names of the kit's tests that `suite` has to pass, in order of contract."""
    names = {
        name
        for base in suite.__mro__
        if is_kit(base.__module__)
        for name in vars(base)
        if name.startswith("test_")
    }
    return tuple(sorted(names, key=lambda name: contract_of(suite, name)))


def contract_of(suite: type[Suite], test: str) -> str:
    """Return the name of the contract that a test of the kit proves."""
    module = _owner(suite, test).__module__
    if module == _SHARED:
        return f"{suite.kind}/filters/{test}"
    return f"{module.removeprefix(f'{KIT}.').replace('.', '/')}/{test}"


def promise_of(suite: type[Suite], test: str) -> str:
    """Return what the contract promises, in one line."""
    text = inspect.getdoc(vars(_owner(suite, test))[test])
    return (text or "").partition("\n\n")[0].replace("\n", " ")


def _owner(suite: type[Any], test: str) -> type:
    """Return the class of the kit that has the test."""
    for base in suite.__mro__:
        if is_kit(base.__module__) and test in vars(base):
            return base
    raise KeyError(test)
