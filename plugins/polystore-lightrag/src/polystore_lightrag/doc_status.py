"""LightRAG's storage of the documents' states, as the installed LightRAG wants it."""

from __future__ import annotations

from lightrag import base

if hasattr(base, "DocStatusPage"):
    from polystore_lightrag.scheduling import PolystoreDocStatusStorage
else:  # LightRAG 1.4 schedules by reading all that is open
    from polystore_lightrag.status import StatusStorage as PolystoreDocStatusStorage

__all__ = ["PolystoreDocStatusStorage"]
