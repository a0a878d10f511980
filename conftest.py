"""Fixtures that every test tree shares."""

pytest_plugins = ["servers.fixtures", "servers.redis_fixtures", "polystore.testing.report"]
