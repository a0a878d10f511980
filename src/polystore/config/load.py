"""A file or a mapping to a validated configuration; and a backend's block to its plugin's model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

from polystore.config.blocks import read_backends, read_stores
from polystore.config.document import read_document
from polystore.config.models import BackendConfig, FileModel, PolystoreConfig
from polystore.config.origin import show_path
from polystore.config.problems import Problems, raise_problems, suggestion, with_suggestion
from polystore.config.references import check_backend_names, check_store_names
from polystore.config.secret_values import SecretReader
from polystore.config.validation import Place, validate, within
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

C = TypeVar("C", bound=BackendConfig)

FILE_KEYS = (*FileModel.model_fields, "backends", "stores")
MAY_BE_EMPTY = ("stores", "defaults", "require", "relations", "include")
"""`stores:` with every line below it commented out means no stores."""


def load_config(
    source: str | Path | Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    declared: Iterable[str] = (),
) -> PolystoreConfig:
    """Return the configuration that `source` holds, all but the backends' own settings validated.

    Args:
        source: The path of a YAML file, a mapping of the same shape (in which `${NAME}` means
            the same), or None for the default: no backends and no stores.
        environ: Where `${NAME}` and `{env: NAME}` are looked up.
        declared: Names of stores that are declared elsewhere, which `require` may name.

    Raises:
        ConfigError: Something is wrong; the message has every problem on a line of its own, with
            file, line and key.
    """
    document = read_document(source, environ)
    origin = document.origin
    problems = Problems(origin)
    data = _known_keys(document.data, problems)
    backends = read_backends(data["backends"], problems) if "backends" in data else {}
    stores = read_stores(data["stores"], problems) if "stores" in data else {}
    specs = {name: spec for name, spec in stores.items() if spec is not None}
    if backends:
        check_backend_names(data, specs, backends.keys(), problems)
    if not data.get("include"):  # else the names of the included stores are not known yet
        check_store_names(data, [*stores, *declared], problems)
    checked = {
        "backends": {name: raw for name, raw in backends.items() if raw is not None},
        "stores": specs,
        "source": origin.file,
        "base_dir": origin.base_dir,
    }
    hidden = {key: text for key, text in origin.substituted.items() if key[0] not in checked}
    config = validate(PolystoreConfig, data | checked, Place((), problems, hidden))
    problems.raise_if_any()
    return cast("PolystoreConfig", config)


def validate_backend(config: PolystoreConfig, name: str, model: type[C]) -> C:
    """Return the block of the backend `name` as its plugin's `model`.

    The model's validators find the folder of the file as `base_dir` in the validation context.

    Raises:
        ConfigError: There is no such backend, or its settings do not fit; every problem is named
            with file, line and key, and no secret is shown.
    """
    raw = config.backends.get(name)
    if raw is None:
        hint = suggestion(name, config.backends) or "none is declared"
        raise ConfigError(f"the backend {name!r} is not declared", hint=hint.capitalize())
    problems = Problems(raw.origin)
    validated = _validate_block(config, name, model, problems)
    problems.raise_if_any()
    return cast("C", validated)


def validate_backends(
    config: PolystoreConfig, models: Mapping[str, type[BackendConfig]]
) -> dict[str, BackendConfig]:
    """Return the blocks of all backends, each as the model that `models` has for its `use`.

    Raises:
        ConfigError: As `validate_backend`; the problems of all blocks are told together.
    """
    found: list[tuple[int, str]] = []
    validated: dict[str, BackendConfig | None] = {}
    name = ""
    for backend, raw in config.backends.items():
        problems = Problems(raw.origin)
        validated[backend] = _validate_block(config, backend, models[raw.use], problems)
        found += problems.found
        name = raw.origin.name
    raise_problems(name, found)
    return {name: block for name, block in validated.items() if block is not None}


def _validate_block(
    config: PolystoreConfig, name: str, model: type[C], problems: Problems
) -> C | None:
    raw = config.backends[name]
    path = ("backends", name)
    secrets = SecretReader(problems, path, config.base_dir)
    settings = cast("dict[str, Any]", secrets.resolve(model, raw.settings))
    if "use" in model.model_fields:
        settings = {"use": raw.use, **settings}
    place = Place(
        path=path,
        problems=problems,
        hidden=within(raw.origin.substituted, path) | secrets.seen,
        failed=secrets.failed,
        context={"base_dir": config.base_dir},
    )
    return validate(model, settings, place)


def _known_keys(data: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return `data` without unknown keys, which are reported, and without empty sections."""
    result: dict[str, Any] = {}
    for key, value in data.items():
        if key not in FILE_KEYS:
            text = with_suggestion(f"{show_path((key,))} is not known", key, FILE_KEYS)
            problems.add((key,), text)
        elif value is not None or key not in MAY_BE_EMPTY:
            result[key] = value
    return result
