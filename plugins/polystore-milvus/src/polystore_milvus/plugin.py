"""The plugin: what `use: milvus` means. Imports no driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.backend import BackendInfo
from polystore.plugins.hookspecs import hookimpl
from polystore.specs import VectorSpec
from polystore_milvus.capabilities import AT_LEAST, AT_MOST
from polystore_milvus.config import MilvusConfig
from polystore_milvus.example import EXAMPLE
from polystore_milvus.options import options_of

if TYPE_CHECKING:
    from polystore.specs import StoreSpec


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return the Milvus backend."""
    return BackendInfo(
        name="milvus",
        config=MilvusConfig,
        backend="polystore_milvus.backend:MilvusBackend",
        at_most=AT_MOST,
        at_least=AT_LEAST,
        check_store=check_store,
        example=EXAMPLE,
        description="Milvus 2.3 or later, or Milvus Lite, embedded: vectors",
    )


def check_store(spec: StoreSpec) -> None:
    """Check what can be known of a store without a server.

    Raises:
        ConfigError: An option is unknown or out of range.
        UnsupportedError: The index cannot be as declared.
    """
    if isinstance(spec, VectorSpec):
        options_of(spec)
