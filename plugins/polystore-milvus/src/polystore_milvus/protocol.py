"""What goes over the wire: Milvus' own messages, as pymilvus ships them, and its client."""

from typing import Any

import pymilvus  # pyright: ignore[reportMissingTypeStubs]
from pymilvus.grpc_gen import (  # pyright: ignore[reportMissingTypeStubs]
    common_pb2,
    milvus_pb2,
    milvus_pb2_grpc,
    schema_pb2,
)

AsyncMilvusClient: Any = pymilvus.AsyncMilvusClient
MilvusServiceStub: Any = milvus_pb2_grpc.MilvusServiceStub

__all__ = ["AsyncMilvusClient", "MilvusServiceStub", "common_pb2", "milvus_pb2", "schema_pb2"]
