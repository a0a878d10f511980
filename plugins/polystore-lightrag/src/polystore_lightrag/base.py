"""What the four storages share: their configuration, their client, their tenant."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from polystore.errors import ConfigError, PolystoreError, SchemaMismatch
from polystore.specs import VectorSpec
from polystore_lightrag import stores
from polystore_lightrag.pool import Lease, acquire, release
from polystore_lightrag.registration import STORAGES
from polystore_lightrag.settings import source_of

if TYPE_CHECKING:
    from polystore import Polystore
    from polystore.client import Stores
    from polystore.specs import StoreSpec

log: Final = logging.getLogger("polystore.lightrag")


class PolystoreStorage(ABC):
    """A namespace of LightRAG in one workspace of a polystore configuration.

    It stands before LightRAG's own base class, which brings the attributes.
    """

    ARGUMENT: ClassVar[str]
    """The argument of `LightRAG` that chooses the class."""

    namespace: str
    workspace: str
    global_config: dict[str, Any]
    embedding_func: Any
    _lease: Lease | None = None

    def __init__(self, *args: Any, **attributes: Any) -> None:
        # LightRAG's bases are dataclasses, whose own __init__ takes the attributes.
        super().__init__(*args, **attributes)
        self._source = source_of(self.global_config)
        self._set_up()

    def _set_up(self) -> None:  # noqa: B027  most need nothing
        """Make what the storage needs beside its attributes; opens nothing."""

    async def initialize(self) -> None:
        """Open the client, or share one that is open, and check that the store fits.

        Raises:
            ConfigError: The configuration is wrong, or has no backend for a store.
            SchemaMismatch: What is stored was made with another embedding.
        """
        if self._lease is not None:
            return
        self._lease = await acquire(self._source, self._specs())
        try:
            self._check(self._lease.client)
            await self._bind(self._stores())
        except BaseException:
            await self._give_back()
            raise

    async def finalize(self) -> None:
        """Give the client back; the last storage of a process to do so closes it."""
        await self._give_back()

    async def index_done_callback(self) -> None:  # noqa: B027  the base wants one
        """Do nothing: what was written is committed."""

    async def drop(self) -> dict[str, str]:
        """Delete everything of this namespace and workspace."""
        try:
            await self._clear()
        except PolystoreError as error:
            log.exception("%s could not be dropped", self.namespace)
            return {"status": "error", "message": str(error)}
        return {"status": "success", "message": "data dropped"}

    @abstractmethod
    async def _bind(self, opened: Stores) -> None:
        """Take the handle that this storage works with."""

    @abstractmethod
    async def _clear(self) -> None:
        """Delete everything of this namespace and workspace."""

    def _uninitialized(self) -> Exception:
        from lightrag.exceptions import StorageNotInitializedError

        return StorageNotInitializedError(type(self).__name__)

    def _client(self) -> Polystore:
        if self._lease is None:
            raise self._uninitialized()
        return self._lease.client

    def _stores(self) -> Stores:
        """Return the client's view of this workspace; none means the configuration's own."""
        client = self._client()
        return client.workspace(self.workspace) if self.workspace else client

    async def _give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            await release(lease)

    def _specs(self) -> list[StoreSpec]:
        """Return the stores of all storages of this instance that are polystore's.

        They are the same for each, so that all of an instance share a client.
        """
        chosen = {
            argument
            for argument, name in STORAGES.items()
            if argument == self.ARGUMENT or self.global_config.get(argument) == name
        }
        specs: list[StoreSpec] = []
        if "kv_storage" in chosen:
            specs += stores.kv_specs()
        embedding = self._embedding()
        if "vector_storage" in chosen and embedding is not None:
            specs += stores.vector_specs(embedding[0], embedding[1])
        if "graph_storage" in chosen:
            specs += stores.graph_specs()
        if "doc_status_storage" in chosen:
            specs += stores.doc_specs()
        return specs

    def _embedding(self) -> tuple[int, str | None] | None:
        """Return the dimensions and the model of the instance's embedding function."""
        function = self.embedding_func or self.global_config.get("embedding_func")
        dimensions = getattr(function, "embedding_dim", None)
        if not isinstance(dimensions, int):
            return None
        model = getattr(function, "model_name", None)
        return dimensions, model.strip() or None if isinstance(model, str) else None

    def _check(self, client: Polystore) -> None:
        """Refuse an embedding that is not the declared one."""
        embedding = self._embedding()
        if self.ARGUMENT != "vector_storage" or embedding is None:
            return
        name = stores.store_name(self.namespace)
        declared = client.runtime.declared.get(name)
        if declared is None or not isinstance(declared.spec, VectorSpec):
            raise ConfigError(
                f"LightRAG's vectors {self.namespace!r} have no store",
                store=name,
                hint="Declare it under `stores:` with `kind: vector` and its dimensions",
            )
        spec = declared.spec
        dimensions, model = embedding
        if spec.dimensions != dimensions:
            raise SchemaMismatch(
                f"LightRAG's embedding function makes {dimensions} dimensions, and "
                f"{spec.dimensions} are declared",
                store=name,
                hint="Use the embedding that the store was filled with; or another workspace of "
                "another configuration for the new one, and insert the documents anew",
            )
        if model is not None and spec.embedding_model not in {None, model}:
            raise SchemaMismatch(
                f"LightRAG's embedding model is {model!r}, and the declared one is "
                f"{spec.embedding_model!r}",
                store=name,
                hint="Vectors of two models do not compare: use the one that is declared",
            )
