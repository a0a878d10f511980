"""What goes over the wire: Milvus' own messages, as pymilvus ships them."""

from pymilvus.grpc_gen import (  # pyright: ignore[reportMissingTypeStubs]
    common_pb2,
    milvus_pb2,
    milvus_pb2_grpc,
    schema_pb2,
)

__all__ = ["common_pb2", "milvus_pb2", "milvus_pb2_grpc", "schema_pb2"]
