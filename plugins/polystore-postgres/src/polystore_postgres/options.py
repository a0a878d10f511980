"""`options: {postgres: {...}}` of a store: what only PostgreSQL understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from polystore.specs import StoreSpec, VectorSpec


class StoreOptions(BaseModel):
    """Options of one store, applied when its tables are created."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fillfactor: int | None = Field(None, ge=10, le=100, description="Of the tables, in percent.")

    def storage(self) -> str:
        """Return what follows the parentheses of a CREATE TABLE."""
        return "" if self.fillfactor is None else f" WITH (fillfactor = {self.fillfactor})"


TextConfig: TypeAlias = Literal[
    "simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish",
    "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian",
    "lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian", "serbian", "spanish",
    "swedish", "tamil", "turkish", "yiddish",
]  # fmt: skip
"""Text search configurations that every supported server has."""


class VectorOptions(StoreOptions):
    """Options of a vector store."""

    text_config: TextConfig = Field(
        "simple", description="How words are reduced; `simple` keeps them as they are."
    )
    partitions: int | None = Field(
        None, ge=2, le=1024, description="Parts of the table, by the hash of the workspace."
    )


Options = TypeVar("Options", bound=StoreOptions)


def store_options(spec: StoreSpec) -> StoreOptions:
    """Return the checked options of a store.

    Raises:
        ConfigError: There is one that is unknown or out of range.
    """
    return _checked(spec, StoreOptions)


def vector_options(spec: VectorSpec) -> VectorOptions:
    """Return the checked options of a vector store.

    Raises:
        ConfigError: There is one that is unknown or out of range.
    """
    return _checked(spec, VectorOptions)


def check_options(spec: StoreSpec) -> None:
    """Check the options of a store of any kind.

    Raises:
        ConfigError: There is one that is unknown or out of range.
    """
    _checked(spec, VectorOptions if spec.kind == "vector" else StoreOptions)


def _checked(spec: StoreSpec, model: type[Options]) -> Options:
    try:
        return model.model_validate(spec.options_for("postgres"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"options.postgres.{where} of the store is wrong: {first['msg']}",
            store=spec.name,
            hint=f"Known options: {', '.join(model.model_fields)}",
        ) from None
