"""polystore on Milvus and Milvus Lite: vector stores."""
