"""One JSON schema of the whole file, for editors: completion, and typing errors underlined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from polystore.config.blocks import SPECS
from polystore.config.load import MAY_BE_EMPTY
from polystore.config.models import BackendConfig, FileModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

Schema = dict[str, Any]

_VARIABLE: Schema = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "A text with `${NAME}` or `${NAME:-default}`, from the environment.",
}
_SECRET: Schema = {
    "description": "`{env: NAME}` or `{file: PATH}`; the path is relative to this file.",
    "type": "object",
    "properties": {form: {"type": "string", "minLength": 1} for form in ("env", "file")},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
_NOT_TEXT = frozenset(("integer", "number", "boolean"))
_CHOSEN = frozenset(("enum", "const", "pattern"))
_BY_NAME = frozenset(("properties", "$defs"))
_LITERAL = frozenset(("default", "const", "enum", "examples", "propertyNames"))


def config_json_schema(models: Mapping[str, type[BackendConfig]]) -> Schema:
    """Return the schema (draft 2020-12) of a configuration file.

    Args:
        models: The configuration model of each backend type, by its `use:` value.
    """
    definitions: Schema = {"variable": _VARIABLE, "secret": _SECRET}
    top = _definition(FileModel, "file", definitions)
    backends = [_backend(use, model, definitions) for use, model in sorted(models.items())]
    stores = [_store(kind, model, definitions) for kind, model in SPECS.items()]
    properties = cast("Schema", top["properties"])
    properties["backends"] = {
        "description": "Where data is kept, by a name of your choice.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _one_of("use", sorted(models), backends),
    }
    properties["stores"] = {
        "description": "What is kept, by a name of your choice.",
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "additionalProperties": _one_of("kind", list(SPECS), stores),
    }
    for name in MAY_BE_EMPTY:
        section = cast("Schema", properties[name])
        section["type"] = [section["type"], "null"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "polystore configuration",
        **{key: value for key, value in top.items() if key not in ("title", "description")},
        "$defs": definitions,
    }


def _backend(use: str, model: type[BackendConfig], definitions: Schema) -> Schema:
    schema = _definition(model, f"backend.{use}", definitions)
    return _tagged(schema, "use", use, "Which plugin serves this backend.")


def _store(kind: str, model: type[BaseModel], definitions: Schema) -> Schema:
    schema = _definition(model, f"store.{kind}", definitions)
    cast("Schema", schema["properties"]).pop("name")
    schema["required"] = [name for name in schema.get("required", []) if name != "name"]
    return _tagged(schema, "kind", kind, "What this store keeps.")


def _tagged(schema: Schema, key: str, value: str, description: str) -> Schema:
    """Return `schema` with a required `key` that has just this `value`."""
    properties = {key: {"const": value, "description": description}}
    rest = {k: v for k, v in cast("Schema", schema["properties"]).items() if k != key}
    required = [key, *(name for name in schema.get("required", []) if name != key)]
    return {**schema, "properties": properties | rest, "required": required}


def _one_of(key: str, values: list[str], schemas: list[Schema]) -> Schema:
    """Return a schema that chooses among `schemas` by `key`, so that errors speak of the right."""
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": values}},
        "allOf": [
            {
                "if": {"required": [key], "properties": {key: {"const": value}}},
                "then": schema,
            }
            for value, schema in zip(values, schemas, strict=True)
        ],
    }


def _definition(model: type[BaseModel], prefix: str, definitions: Schema) -> Schema:
    """Return the schema of `model`; what it refers to goes to `definitions`, under `prefix`."""
    schema = model.model_json_schema(mode="validation")
    adapted = cast("Schema", _adapt(schema, prefix))
    for name, definition in cast("Schema", adapted.pop("$defs", {})).items():
        definitions[f"{prefix}.{name}"] = definition
    return adapted


def _adapt(node: Any, prefix: str) -> Any:
    """Return `node` with its references renamed, and with what YAML may say instead of values."""
    if isinstance(node, list):
        return [_adapt(item, prefix) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = _adapt_parts(cast("Schema", node), prefix)
    if schema.get("format") == "password":
        return _any_of(schema, {"$ref": "#/$defs/secret"})
    if schema.get("type") in _NOT_TEXT or schema.keys() & _CHOSEN:
        return _any_of(schema, {"$ref": "#/$defs/variable"})
    return schema


def _adapt_parts(node: Schema, prefix: str) -> Schema:
    schema: Schema = {}
    for key, value in node.items():
        if key in _BY_NAME:
            named = cast("Schema", value).items()
            schema[key] = {name: _adapt(item, prefix) for name, item in named}
        elif key == "$ref":
            schema[key] = str(value).replace("#/$defs/", f"#/$defs/{prefix}.")
        elif key != "discriminator":  # OpenAPI's, not JSON schema's
            schema[key] = value if key in _LITERAL else _adapt(value, prefix)
    return schema


def _any_of(schema: Schema, *others: Schema) -> Schema:
    """Return `schema` or one of `others`, with the texts for people kept outside."""
    outside = ("title", "description", "default")
    kept = {key: schema[key] for key in outside if key in schema}
    inner = {key: value for key, value in schema.items() if key not in outside}
    return {**kept, "anyOf": [inner, *others]}
