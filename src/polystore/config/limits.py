"""How large a configuration may be; far more than any needs, far less than would do harm."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 1024 * 1024
MAX_VALUES: Final = 100_000
"""Values that a file may have once its aliases are expanded."""
MAX_DEPTH: Final = 64
