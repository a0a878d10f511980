"""A plugin's model as authors write it, and ways to get at what is wrong with a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self, TypeAlias

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from polystore.config import BackendConfig, PolystoreConfig, load_config, validate_backend
from polystore.errors import ConfigError


class PoolConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    min: int = Field(default=1, ge=0)
    max: int = Field(default=10, ge=1)


class SslConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    mode: Literal["disable", "require", "verify-full"] = "require"
    root_cert: Path | None = None
    key_password: SecretStr | None = None


class EngineConfig(BackendConfig):
    dsn: SecretStr | None = None
    password: SecretStr | None = None
    user: str | None = None
    port: int = 5432
    ratio: float = 0.5
    embedded: bool = False
    hosts: list[str] = Field(default_factory=list)
    passwords: dict[str, SecretStr] = Field(default_factory=dict)
    pool: PoolConfig = PoolConfig()
    ssl: SslConfig | Literal["disable", "require"] = SslConfig()

    @field_validator("user")
    @classmethod
    def _no_guest(cls, user: str | None) -> str | None:
        if user is not None and user.startswith("guest"):
            raise ValueError(f"the user {user} may not log in")
        return user

    @model_validator(mode="after")
    def _careless(self) -> Self:
        """Puts the secret into its message, which a plugin never should."""
        secret = self.dsn.get_secret_value() if self.dsn else ""
        if "forbidden" in secret:
            raise ValueError(f"cannot connect to {secret} or {secret[12:]!r}")
        return self


Write: TypeAlias = Callable[[str], Path]
Load: TypeAlias = Callable[..., PolystoreConfig]
Engine: TypeAlias = Callable[..., EngineConfig]
Wrong: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        Path("polystore.yaml").write_text(text, encoding="utf-8")
        return Path("polystore.yaml")

    return write


@pytest.fixture
def load(write: Write) -> Load:
    def load(text: str, **environ: str) -> PolystoreConfig:
        return load_config(write(text), environ=environ)

    return load


@pytest.fixture
def engine(load: Load) -> Engine:
    """The settings of the backend `main`, whose other keys are given, as a flow mapping's body."""

    def engine(body: str, **environ: str) -> EngineConfig:
        config = load(f"backends:\n  main: {{use: engine, {body}}}\n", **environ)
        return validate_backend(config, "main", EngineConfig)

    return engine


@pytest.fixture
def wrong(load: Load) -> Wrong:
    """The lines of the error that a text gives."""

    def wrong(text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            _validate_all(load(text, **environ))
        assert_no_values_attached(caught.value)
        return str(caught.value).splitlines()

    return wrong


def _validate_all(config: PolystoreConfig) -> None:
    for name in config.backends:
        validate_backend(config, name, EngineConfig)


def assert_no_values_attached(error: BaseException) -> None:
    """No exception behind `error` may be one of pydantic's, which hold the refused values."""
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
