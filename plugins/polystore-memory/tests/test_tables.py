"""Layers against plain dictionaries."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from polystore_memory.rows import Row
from polystore_memory.sorted_keys import SortedKeys
from polystore_memory.tables import Table, TableKey, Tables

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = st.text("ab", max_size=3)
CHANGES = st.lists(st.tuples(KEYS, st.booleans()), max_size=30)


def row(number: int) -> Row:
    return Row(json=b"%d" % number, version=number, created_at=NOW, updated_at=NOW)


def change(table: Table[str, Row], model: dict[str, Row], changes: list[tuple[str, bool]]) -> None:
    for number, (key, keep) in enumerate(changes, start=1):
        if keep:
            model[key] = row(number)
            table.put(key, model[key])
        else:
            assert table.remove(key) == (model.pop(key, None) is not None)


def check(table: Table[str, Row], model: dict[str, Row], start: str) -> None:
    assert len(table) == len(model)
    assert list(table.items()) == sorted(model.items())
    assert [key for key, _ in table.items(start)] == sorted(key for key in model if key >= start)
    assert all(table.get(key) == model.get(key) for key in ("", "a", "ab", "bbb"))


@given(CHANGES, KEYS)
def test_sorted_keys_stay_sorted_over_many_lists(
    changes: list[tuple[str, bool]], start: str
) -> None:
    keys: SortedKeys[str] = SortedKeys()
    model: set[str] = set()
    with patch("polystore_memory.sorted_keys._CHUNK", 1):
        for key, add in changes:
            if add and key not in model:
                keys.add(key)
                model.add(key)
            elif not add and key in model:
                keys.remove(key)
                model.remove(key)
    assert list(keys.starting(None)) == sorted(model)
    assert list(keys.starting(start)) == sorted(key for key in model if key >= start)


@given(CHANGES, CHANGES, CHANGES, KEYS)
def test_layers_read_as_what_they_lie_on_with_their_changes(
    first: list[tuple[str, bool]],
    second: list[tuple[str, bool]],
    third: list[tuple[str, bool]],
    start: str,
) -> None:
    base: Table[str, Row] = Table()
    model: dict[str, Row] = {}
    change(base, model, first)
    middle, middle_model = Table(base), dict(model)
    change(middle, middle_model, second)
    top, top_model = Table(middle), dict(middle_model)
    change(top, top_model, third)
    check(base, model, start)
    check(middle, middle_model, start)
    check(top, top_model, start)
    middle.absorb(top)
    check(middle, top_model, start)
    check(base, model, start)
    base.absorb(middle)
    check(base, top_model, start)


def test_an_emptied_table_leaves_nothing_behind() -> None:
    tables, key = Tables(), TableKey("s", 1, "acme", "rows")
    for emptied in (False, True):
        layer = Tables(tables)
        table = layer.writable(key)
        if emptied:
            table.remove("a")
        else:
            table.put("a", row(1))
        tables.absorb(layer)
        assert len(list(tables.items())) == (0 if emptied else 1)
