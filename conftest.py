"""Fixtures that every test tree shares."""

pytest_plugins = ["servers.fixtures", "polystore.testing.report"]
