"""Fixtures that every test tree shares."""

pytest_plugins = [
    "servers.fixtures",
    "servers.redis_fixtures",
    "servers.neo4j_fixtures",
    "servers.milvus_fixtures",
    "polystore.testing.report",
]
