"""`${NAME}` and `${NAME:-default}` in configuration values.

The rules, after those of POSIX shells:

- NAME is ASCII letters, digits and `_`, not beginning with a digit.
- `:-` gives the text to use when the variable is not set or empty. It goes up to the next `}`, so
  it cannot contain one; it is taken as it stands, so it may not contain `${` either.
- `$${` stands for `${`. Any other `$` is just that.
- What a variable holds is text: it is neither substituted again nor read as YAML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)", re.DOTALL)
_REFERENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` with its references to variables replaced.

    Raises:
        ValueError: A variable is not set and has no default, or a reference is malformed. The
            message names variables, never what they hold.
    """

    def replacement(match: re.Match[str]) -> str:
        return "${" if match[0] == "$${" else _resolve(match, environ)

    return _MARK.sub(replacement, text)


def has_reference(text: str) -> bool:
    """Return whether `text` refers to a variable, so that its result must not be shown."""
    return any(match[0] != "$${" for match in _MARK.finditer(text))


def _resolve(match: re.Match[str], environ: Mapping[str, str]) -> str:
    reference = _REFERENCE.fullmatch(match[1])
    if not match[2] or reference is None or "${" in (reference[2] or ""):
        raise ValueError(
            "a `${` is not followed by NAME} or NAME:-default}; write `$${` for the text itself"
        )
    name, default = reference[1], reference[2]
    value = environ.get(name)
    if value or (value is not None and default is None):
        return value
    if default is None:
        raise ValueError(
            f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
        )
    return default
