"""Writes the tables of docs/configuration.md from the models that validate a configuration.

`--check` changes nothing and fails where a table is not what the models say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from polystore.config.blocks import SPECS
from polystore.config.models import FileModel
from polystore.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
BACKENDS = ("postgres", "redis", "milvus", "neo4j", "memory")
_SECTION = re.compile(
    r"(<!-- reference: (?P<name>[a-z0-9.]+) -->\n).*?(<!-- end of reference -->)", re.DOTALL
)
_HEAD = "| key | takes | default | meaning |\n|---|---|---|---|\n"
_LEFT_OUT = frozenset({"name", "kind"})

Schema = dict[str, Any]


def models() -> dict[str, type[BaseModel]]:
    """Return the models by the name that the page has for their tables."""
    registry = Registry()
    found: dict[str, type[BaseModel]] = {"file": FileModel}
    found |= {f"store.{kind}": model for kind, model in SPECS.items()}
    found |= {f"backend.{use}": registry.backend_info(use).config for use in BACKENDS}
    return found


def table(model: type[BaseModel]) -> str:
    """Return the table of a model, the keys of its sections with a dot."""
    schema = model.model_json_schema(by_alias=True)
    return _HEAD + "".join(_rows(schema, schema.get("$defs", {}), ""))


def _rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        if not prefix and name in _LEFT_OUT:
            continue
        section = _section(field, definitions)
        if section is not None:
            meaning = field.get("description") or section.get("description", "")
            yield _row(prefix + name, "mapping", "", meaning)
            yield from _rows(section, definitions, f"{prefix}{name}.")
        else:
            default = "**required**" if name in required else _default(field, definitions)
            takes = _takes(field, definitions)
            yield _row(prefix + name, takes, default, field.get("description", ""))


def _row(key: str, takes: str, default: str, meaning: str) -> str:
    cells = (f"`{key}`", takes, default, " ".join(meaning.split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _section(field: Schema, definitions: Schema) -> Schema | None:
    """Return the schema of a section that is a model of its own, also one that may be left out."""
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    found = _resolve(options[0], definitions) if len(options) == 1 else field
    return found if "properties" in found else None


def _resolve(field: Schema, definitions: Schema) -> Schema:
    reference = field.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else field


def _takes(field: Schema, definitions: Schema) -> str:
    field = _resolve(field, definitions)
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    if {option.get("type") for option in options} == {"number", "string"}:
        return "duration"
    return " or ".join(_takes_one(option, definitions) for option in options)


def _takes_one(field: Schema, definitions: Schema) -> str:
    field = _resolve(field, definitions)
    if "anyOf" in field:
        return _takes(field, definitions)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = str(field.get("type", "anything"))
    if kind == "string":
        return {"password": "secret", "path": "path"}.get(field.get("format", ""), "text")
    inner = field.get("items" if kind == "array" else "additionalProperties")
    each = _takes(cast("Schema", inner), definitions) if isinstance(inner, dict) else "anything"
    described = {"array": f"list of {each}", "object": f"mapping to {each}"}
    return described.get(kind, kind + _range(field))


def _range(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if high is not None:
        return f", {low} to {high}"
    return "" if low is None else f", at least {low}"


def _default(field: Schema, definitions: Schema) -> str:
    if "default" not in field:
        empty = {"object": "`{}`", "array": "`[]`"}
        return empty.get(field.get("type", ""), "")
    value = field["default"]
    if isinstance(value, int | float) and _takes(field, definitions) == "duration":
        return f"`{value:g}s`"
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def page(text: str) -> str:
    """Return the page with its tables written anew."""
    known = models()
    missing = known.keys() - {match["name"] for match in _SECTION.finditer(text)}
    if missing:
        raise SystemExit(f"{PAGE.name} has no place for: {', '.join(sorted(missing))}")
    return _SECTION.sub(
        lambda match: f"{match[1]}\n{table(known[match['name']])}\n{match[3]}", text
    )


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it differs")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    current = page(text)
    if check and text != current:
        sys.exit(f"{PAGE.name} is not what the models say: run `python tools/docs_reference.py`")
    PAGE.write_text(current, encoding="utf-8")


if __name__ == "__main__":
    main()
