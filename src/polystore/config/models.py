"""The configuration as validated models: what a YAML file says, ready to be opened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationInfo,
    field_validator,
    model_validator,
)
from typing_extensions import override

from polystore.capabilities import Feature, Kind
from polystore.config.origin import Origin
from polystore.errors import ConfigError, PolystoreError
from polystore.filters.path import parse_path
from polystore.specs import Duration, StoreSpec
from polystore.types.names import check_store_name, check_workspace

DEFAULT_WORKSPACE = "default"
_BACKEND_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


class BackendConfig(BaseModel):
    """Base of every plugin's configuration model: one block under `backends:`, without `use`.

    Validators of derived models find the folder of the YAML file under `base_dir` in the
    validation context. Type passwords and addresses that hold them as `SecretStr`: such keys
    also accept `{env: NAME}` and `{file: PATH}`, and are never shown.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
    )

    timeout: Duration = Field(
        default=30, description="Default deadline of an operation, in seconds."
    )
    retries: int = Field(
        default=3, ge=0, le=100, description="Repeats of a call that is safe to repeat."
    )
    max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="Calls carried out at the same time; others wait. null: the limit.",
    )
    schema_: Literal["auto", "check", "off"] | None = Field(
        default=None,
        alias="schema",
        description="auto: create and migrate at open; check: refuse what differs; off: trust. "
        "null: auto for embedded engines, else check.",
    )

    @override
    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        # Texts may come from the environment and hold a password, whatever their type says.
        return [
            (name, value)
            for name, value in super().__repr_args__()
            if value is None or isinstance(value, int | float)
        ]


class RawBackend(BaseModel):
    """One block under `backends:`, not yet validated by its plugin's model.

    Attributes:
        use: Which plugin serves it.
        settings: Everything but `use`, with `${...}` substituted; may hold secrets.
        origin: Where it stands, for errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    use: str
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)
    origin: InstanceOf[Origin] = Field(default_factory=Origin, repr=False, exclude=True)


class FileModel(BaseModel):
    """The keys of the file other than `backends` and `stores`, which are validated by kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tenancy: Literal["optional", "required"] = Field(
        default="optional",
        description="required: every call names its workspace; there is no default.",
    )
    workspace: str | None = Field(
        default=DEFAULT_WORKSPACE, description="The tenant that calls use unless they name another."
    )
    defaults: dict[Kind, str] = Field(
        default_factory=dict, description="The backend of each kind's stores, by kind."
    )
    strict: bool | None = Field(
        default=None,
        description="Refuse undeclared stores. null: yes as soon as stores are declared.",
    )
    require: dict[str, list[Feature]] = Field(
        default_factory=dict, description="Capabilities that a store's backend must have."
    )
    relations: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Of a store, the fields that name ids of other stores: "
        "`chunks: {doc_id: documents}`. `doctor --deep` looks for ids that are not there.",
    )
    include: list[str | dict[str, dict[str, Any]]] = Field(
        default_factory=list[str | dict[str, dict[str, Any]]],
        description="Sets of stores that plugins declare: `name`, or `name: {setting: value}`.",
    )

    @model_validator(mode="before")
    @classmethod
    def _default_workspace(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "workspace" in data:
            return cast("Any", data)
        values = dict(cast("Mapping[str, Any]", data))
        required = values.get("tenancy") == "required"
        return values | {"workspace": None if required else DEFAULT_WORKSPACE}

    @field_validator("relations")
    @classmethod
    def _valid_relations(cls, relations: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for fields in relations.values():
            for name in fields:
                try:
                    path = parse_path(name)
                except PolystoreError as error:
                    raise ValueError(str(error)) from None
                if path.meta:
                    raise ValueError("a system field names no id of another store")
        return relations

    @field_validator("workspace")
    @classmethod
    def _valid_workspace(cls, workspace: str | None, info: ValidationInfo) -> str | None:
        tenancy = info.data.get("tenancy")
        if workspace is None:
            if tenancy == "optional":
                raise ValueError("null needs `tenancy: required`; else name a workspace")
            return None
        if tenancy == "required":
            raise ValueError("`tenancy: required` forbids a default workspace; remove this key")
        try:
            return check_workspace(workspace)
        except PolystoreError as error:
            raise ValueError(str(error)) from None


class PolystoreConfig(FileModel):
    """A whole configuration. The backends' own settings are validated by `validate_backend`.

    Attributes:
        source: The file it was read from; None for a mapping or the default.
        base_dir: What relative paths are relative to.
    """

    backends: dict[str, RawBackend] = Field(default_factory=dict)
    stores: dict[str, StoreSpec] = Field(default_factory=dict)
    source: Path | None = None
    base_dir: Path = Field(default_factory=Path.cwd)

    @property
    def named_stores(self) -> dict[str, set[str]]:
        """The stores that `require` and `relations` name, by which of them does."""
        related = {*self.relations}.union(*(fields.values() for fields in self.relations.values()))
        return {"require": {*self.require}, "relations": related}

    @property
    def included(self) -> dict[str, dict[str, Any]]:
        """The settings of each included set of stores, by its name; later ones win."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.include:
            found.update({entry: {}} if isinstance(entry, str) else entry)
        return found

    @property
    def is_strict(self) -> bool:
        """Whether an undeclared store is an error: as `strict` says, else if any is declared."""
        return bool(self.stores) if self.strict is None else self.strict

    def default_backend(self, kind: Kind) -> str | None:
        """Return the backend of stores of `kind` that name none; None if that is open."""
        if kind in self.defaults:
            return self.defaults[kind]
        return next(iter(self.backends)) if len(self.backends) == 1 else None

    def backend_of(self, spec: StoreSpec) -> str:
        """Return the name of the backend that serves `spec`.

        Raises:
            ConfigError: It is not known, or the spec names none and there is no default.
        """
        name = spec.backend or self.default_backend(spec.kind)
        if name is None:
            raise ConfigError(
                "no backend is named and there is no default for its kind",
                store=spec.name,
                hint=f"Add `backend:` to it, or `{spec.kind}:` under `defaults:`",
            )
        if name not in self.backends:
            known = ", ".join(sorted(self.backends)) or "none"
            raise ConfigError(
                f"the backend {name!r} is not declared",
                store=spec.name,
                hint=f"Declared are: {known}",
            )
        return name


def backend_name_problem(name: str) -> str | None:
    """Return what is wrong with `name` as a key of `backends:`, or None."""
    if _BACKEND_NAME.fullmatch(name):
        return None
    return "is no backend name. Use 1 to 40 letters, digits, _ and -, beginning with a letter"


def store_name_problem(name: str) -> str | None:
    """Return what is wrong with `name` as a key of `stores:`, or None."""
    try:
        check_store_name(name)
    except ConfigError as error:
        return f"is no store name. {error.hint}"
    return None
