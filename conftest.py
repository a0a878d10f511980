"""Fixtures that every test tree shares."""

import signal

# A shell lets what it starts in the background ignore Ctrl-C, and so would the programs of tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "servers.fixtures",
    "servers.redis_fixtures",
    "servers.neo4j_fixtures",
    "servers.milvus_fixtures",
    "polystore.testing.report",
]
