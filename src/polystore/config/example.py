"""A commented configuration file to begin with: works as it is, and shows what else there is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA_FILE = "polystore.schema.json"
"""Where the file tells editors to look for its JSON schema."""


@dataclass(frozen=True, slots=True)
class ExampleBackend:
    """A type of backend, to be shown.

    Attributes:
        use: Its `use:` value.
        description: One line for a person.
        settings: What the block that works as it is has beside `use`.
        example: YAML lines of a block with every setting that matters.
    """

    use: str
    description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    example: str = ""


_HEAD = f"""\
# yaml-language-server: $schema={SCHEMA_FILE}
# The line above gives editors completion and checks, once you have run
#   polystore schema > {SCHEMA_FILE}
#
# Any value may be ${{NAME}} or ${{NAME:-default}}, from the environment.
# `polystore check` reads this file and connects to nothing; `polystore doctor` asks the servers.

workspace: default    # the tenant of every call that names no other

# Where data is kept, by names of your choice.
backends:
"""

_TAIL = """\

# Which backend serves a store that names none, by its kind.
defaults: {kv: main, vector: main, graph: main, doc: main}

# What is kept. Without this section, stores other than vector stores come into being at their first
# use; with it, a store that is not declared is refused (`strict: false` allows it again).
# stores:
#   llm_cache:
#     kind: kv
#     ttl: 7d                       # how long entries live unless a put says
#   chunks:
#     kind: vector
#     dimensions: 384
#     metric: cosine                # or ip, l2
#     embedding_model: all-MiniLM-L6-v2    # opening the store with another one is refused
#     fields: {doc_id: string, year: integer}    # declared metadata: typed and indexed
#     index: {type: auto, m: 16, ef_construction: 128, quantization: none}
#   knowledge:
#     kind: graph
#     directed: true                # false: (a, b) and (b, a) are one edge
#     indexes: [name]               # of node properties
#   documents:
#     kind: doc
#     backend: main                 # else as `defaults` says
#     indexes: [status, [author, "-meta:created_at"]]    # fields that reads filter and sort by

# What a store's backend must be able to do; refused at open if it is not.
# require: {chunks: [filter], documents: [transaction]}

# Which fields name rows of other stores; `polystore doctor --deep` looks for those that are gone.
# relations: {chunks: {doc_id: documents}}
"""


def example_config(main: ExampleBackend, others: Sequence[ExampleBackend]) -> str:
    """Return the YAML text of a configuration.

    Args:
        main: The backend that it uses.
        others: Those that it shows in comments.
    """
    shown = "".join(_comment(backend) for backend in others)
    return f"{_HEAD}{_active(main)}{shown}{_TAIL}"


def _active(backend: ExampleBackend) -> str:
    settings = "".join(
        f"    {key}: {json.dumps(value)}\n" for key, value in backend.settings.items()
    )
    return f"  # {backend.description}\n  main:\n    use: {backend.use}\n{settings}"


def _comment(backend: ExampleBackend) -> str:
    lines = [backend.description, f"{backend.use}:", f"  use: {backend.use}"]
    lines += [f"  {line}" for line in backend.example.splitlines()]
    return "  #\n" + "".join(f"  # {line}\n" for line in lines)
