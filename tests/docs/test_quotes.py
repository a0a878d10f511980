"""What a page quotes from a file stands in that file."""

from __future__ import annotations

import pytest

from docs.pages import PAGES, ROOT, Block, blocks

QUOTES = [block for page in PAGES for block in blocks(page) if block.language == "py"]


@pytest.mark.parametrize("block", QUOTES, ids=lambda block: block.where)
def test_a_quote_is_true(block: Block) -> None:
    assert block.title, "a quote names its file"
    source = (ROOT / block.title).read_text(encoding="utf-8")
    assert block.body in source, f"{block.title} does not hold\n{block.body}"


def test_there_are_quotes() -> None:
    assert QUOTES
