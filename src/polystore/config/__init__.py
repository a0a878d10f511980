"""The configuration: one YAML file, or a mapping, to validated models.

Values of the environment are substituted after parsing, every error names file, line, key and the
nearest right key, and nothing secret is ever shown.
"""

from polystore.config.json_schema import config_json_schema
from polystore.config.load import load_config, validate_backend, validate_backends
from polystore.config.models import BackendConfig, PolystoreConfig, RawBackend

__all__ = [
    "BackendConfig",
    "PolystoreConfig",
    "RawBackend",
    "config_json_schema",
    "load_config",
    "validate_backend",
    "validate_backends",
]
