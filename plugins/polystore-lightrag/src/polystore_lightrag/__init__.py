"""LightRAG and RAG-Anything on any polystore configuration.

    import polystore_lightrag

    polystore_lightrag.register()
    rag = LightRAG(..., **polystore_lightrag.STORAGES)

The configuration is the file that `POLYSTORE_CONFIG` names, or what `register` is given.
"""

from polystore_lightrag.registration import STORAGES, register

__all__ = ["STORAGES", "register"]
