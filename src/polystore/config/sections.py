"""What the blocks of backends are made of: sections, paths of files, files of TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator


class Section(BaseModel):
    """A part of a block. What it was given is never repeated in an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )


def _resolve(path: Path, info: ValidationInfo) -> Path:
    """Relative paths are relative to the YAML file, else to the current folder."""
    context: dict[str, Any] = info.context or {}
    base = context.get("base_dir") or Path.cwd()
    try:
        return Path(base) / path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path} begins with the home folder of a user who is not known") from None


def _readable(path: Path, info: ValidationInfo) -> Path:
    resolved = _resolve(path, info)
    try:
        with resolved.open("rb"):
            return resolved
    except OSError as error:
        raise ValueError(f"{resolved} cannot be read: {error.strerror}") from None


FolderPath: TypeAlias = Annotated[Path, AfterValidator(_resolve)]
"""A folder, which need not exist yet."""
ReadablePath: TypeAlias = Annotated[Path, AfterValidator(_readable)]
"""A file that can be read now: a missing one is an error, never a fallback to less."""


class TlsFiles(Section):
    """Encrypted connections whose certificate and name are always checked."""

    root_cert: ReadablePath | None = Field(
        default=None, description="Certificates to trust (PEM). null: those of the system."
    )
    cert: ReadablePath | None = Field(default=None, description="The client's certificate (PEM).")
    key: ReadablePath | None = Field(default=None, description="The client's private key (PEM).")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.key is None) is not (self.cert is None):
            raise ValueError("cert and key belong together")
        return self
