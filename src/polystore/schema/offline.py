"""What can be said about a configuration before anything is connected or a driver imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from polystore.capabilities import features_of
from polystore.config import load_config, validate_backends
from polystore.declaring import declare, named_info, with_default_backend
from polystore.errors import ConfigError, PolystoreError
from polystore.filters import OPERATORS
from polystore.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from polystore.backend import BackendInfo
    from polystore.capabilities import Capabilities, Feature, Kind
    from polystore.config import PolystoreConfig
    from polystore.specs import StoreSpec

Verdict: TypeAlias = Literal["yes", "refused", "depends on the server"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A capability that a store needs.

    Attributes:
        feature: Its name.
        verdict: Whether the store's backend has it.
        required: Whether `require:` names it; else the declaration itself asks for it.
    """

    feature: str
    verdict: Verdict
    required: bool


@dataclass(frozen=True, slots=True)
class CheckedStore:
    """A declared store and where it goes.

    Attributes:
        backend: Its name; None where that is not known.
        requirements: What the store needs.
        lacks: Capabilities and filter operators that no server of the backend has for this kind.
        emulates: Filter operators that work by reading more than the answer.
    """

    name: str
    kind: str
    backend: str | None
    requirements: tuple[Requirement, ...] = ()
    lacks: tuple[str, ...] = ()
    emulates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfflineReport:
    """What `check` found.

    Attributes:
        source: The file; None for a mapping or the default.
        backends: The `use:` value of each backend, by name.
        stores: Every declared store.
        problems: What has to be corrected, each a text with the way out; empty if nothing.
    """

    source: Path | None
    backends: dict[str, str]
    stores: list[CheckedStore] = field(default_factory=list[CheckedStore])
    problems: list[str] = field(default_factory=list[str])


def check(
    source: str | Path | Mapping[str, Any] | None = None, *, stores: Sequence[StoreSpec] = ()
) -> OfflineReport:
    """Return what is known of a configuration without connecting to anything.

    Args:
        source: A YAML file's path, a mapping of the same shape, or None for the default.
        stores: Stores that code declares, beside those of the file.

    Raises:
        ConfigError: It cannot be read as a configuration at all; every problem is named.
    """
    registry = Registry()
    loaded = load_config(source, declared=[spec.name for spec in stores])
    config = with_default_backend(loaded, registry)
    uses = {name: raw.use for name, raw in config.backends.items()}
    report = OfflineReport(config.source, uses)
    infos = _plugins(config, registry, report.problems)
    _blocks(config, infos, report.problems)
    try:
        declared = declare(config, registry, stores)
    except ConfigError as error:
        _note(report.problems, error)
        return report
    for key, named in config.named_stores.items():
        for name in sorted(named - declared.keys()):
            report.problems.append(f"{key} names the store {name!r}, which is not declared")
    for name, store in declared.items():
        required = config.require.get(name, [])
        report.stores.append(_store(config, infos, store.spec, required, report.problems))
    return report


def _plugins(
    config: PolystoreConfig, registry: Registry, problems: list[str]
) -> dict[str, BackendInfo]:
    """Return what the plugins say, by backend, of those that can be had."""
    infos: dict[str, BackendInfo] = {}
    for name in config.backends:
        try:
            infos[name] = named_info(config, name, registry)
        except ConfigError as error:
            _note(problems, error)
    return infos


def _blocks(config: PolystoreConfig, infos: Mapping[str, BackendInfo], problems: list[str]) -> None:
    known = {name: raw for name, raw in config.backends.items() if name in infos}
    models = {info.name: info.config for info in infos.values()}
    try:
        validate_backends(config.model_copy(update={"backends": known}), models)
    except ConfigError as error:
        lines = str(error).splitlines()
        problems.extend(lines[1:] or lines)  # where there are several, the first one counts them


def _store(
    config: PolystoreConfig,
    infos: Mapping[str, BackendInfo],
    spec: StoreSpec,
    required: Sequence[Feature],
    problems: list[str],
) -> CheckedStore:
    try:
        backend = config.backend_of(spec)
    except ConfigError as error:
        _note(problems, error)
        return CheckedStore(spec.name, spec.kind, None)
    info = infos.get(backend)
    if info is None:  # its plugin is a problem already told
        return CheckedStore(spec.name, spec.kind, backend)
    at_most = info.at_most.get(spec.kind)
    if at_most is None:
        problems.append(
            f"store {spec.name!r}: the backend {backend!r} ({info.name}) serves no {spec.kind} "
            f"stores. Name another one with `backend:`"
        )
        return CheckedStore(spec.name, spec.kind, backend)
    _fits(info, at_most, spec, backend, problems)
    needed = [_requirement(info, spec, feature, required=False) for feature in _own(spec, required)]
    needed += [_requirement(info, spec, feature, required=True) for feature in required]
    problems.extend(
        f"store {spec.name!r}: no server of the backend {backend!r} ({info.name}) has the "
        f"capability {requirement.feature!r}. Name another backend, or do without"
        for requirement in needed
        if requirement.verdict == "refused"
    )
    lacks, emulates = _missing(spec.kind, at_most)
    return CheckedStore(spec.name, spec.kind, backend, tuple(needed), lacks, emulates)


def _missing(kind: Kind, at_most: Capabilities) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what stores of this kind have nowhere, and the operators they have not natively."""
    features = [str(feature) for feature in features_of(kind) if feature not in at_most.features]
    if kind == "kv":
        return tuple(features), ()
    lost = [f"filter {operator}" for operator in OPERATORS if operator not in at_most.filters]
    emulated = at_most.emulated_filters - at_most.native_filters
    return (*features, *lost), tuple(operator for operator in OPERATORS if operator in emulated)


def _own(spec: StoreSpec, required: Sequence[Feature]) -> list[Feature]:
    return [feature for feature in spec.features_needed() if feature not in required]


def _requirement(
    info: BackendInfo, spec: StoreSpec, feature: Feature, *, required: bool
) -> Requirement:
    verdict: Verdict = "depends on the server"
    if feature not in info.at_most[spec.kind].features:
        verdict = "refused"
    elif spec.kind in info.at_least and feature in info.at_least[spec.kind].features:
        verdict = "yes"
    return Requirement(feature.value, verdict, required)


def _fits(
    info: BackendInfo, at_most: Capabilities, spec: StoreSpec, backend: str, problems: list[str]
) -> None:
    bound = at_most.limits.dimensions
    if spec.kind == "vector" and bound is not None and spec.dimensions > bound:
        problems.append(
            f"store {spec.name!r}: {spec.dimensions} dimensions are more than the backend "
            f"{backend!r} ({info.name}) ever takes: {bound}"
        )
    elif info.check_store is not None:
        try:
            info.check_store(spec)
        except PolystoreError as error:
            _note(problems, error)


def _note(problems: list[str], error: PolystoreError) -> None:
    """Add what is wrong, once: every block of a broken installation has the same problem."""
    text = str(error)
    if text not in problems:
        problems.append(text)
