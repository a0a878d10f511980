"""The beginning of a backend plugin: a package that installs, is found and runs the kit."""

from polystore.scaffold.write import new_backend

__all__ = ["new_backend"]
