"""What `search_text` takes for a word: a run of letters, digits and underscores, in one case.

Computed here for what is stored and for what is asked, so that both agree whatever the server's
locale and parser are, and code identifiers are found: `zlib.compress` has the words `zlib` and
`compress`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from polystore.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN_CONFIG: Final = "simple"
"""The text search configuration that changes nothing about words."""

_WORD: Final = re.compile(r"\w+")
_LONGEST: Final = 500
"""Characters of a word; a tsvector takes 2 KiB."""
_MOST_BYTES: Final = 1_000_000
"""Of the words of one text; a tsvector takes 1 MiB."""


def words_of(text: str) -> list[str]:
    """Return the words of `text`, in order and as often as they come.

    A word too long for the server is told from others by a digest.
    """
    words = _WORD.findall(text.casefold())
    if len(text) > _LONGEST:
        return [word if len(word) <= _LONGEST else _short(word) for word in words]
    return words


def stored_words(text: str | None, config: str) -> str | None:
    """Return what is stored of the words of `text`, with spaces between; None of no text.

    Raises:
        LimitExceeded: They are more than the server can index.
    """
    if text is None:
        return None
    words = words_of(text)
    joined = " ".join(dict.fromkeys(words) if config == PLAIN_CONFIG else words)
    if len(joined) > _MOST_BYTES // 4 and len(joined.encode()) > _MOST_BYTES:
        raise LimitExceeded(
            f"a text has more than {_MOST_BYTES} bytes of different words",
            hint="Cut the text into several records",
        )
    return joined


def different_words(text: str) -> list[str]:
    """Return the words of `text`, each once, in the order of their first place."""
    return list(dict.fromkeys(words_of(text)))


def any_word(words: Iterable[str]) -> str:
    """Return the tsquery that asks for any of `words`, which come from `words_of`."""
    # A word has neither quotes nor backslashes, so it needs nothing but the quotes around it.
    return " | ".join(f"'{word}'" for word in words)


def _short(word: str) -> str:
    return word[:100] + hashlib.blake2b(word.encode(), digest_size=16).hexdigest()
