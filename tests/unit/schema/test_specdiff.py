"""What may follow a changed declaration, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.specdiff import compare_specs, spec_after
from polystore.specs import DocSpec, GraphSpec, IndexSpec, KVSpec, StoreSpec, VectorSpec


def vector(**changed: Any) -> VectorSpec:
    given = {"name": "chunks", "dimensions": 8, "fields": {"year": "integer"}}
    return VectorSpec.model_validate(given | changed)


def doc(*indexes: str | list[str]) -> DocSpec:
    return DocSpec.model_validate({"name": "d", "indexes": indexes})


def actions(stored: StoreSpec | None, declared: StoreSpec) -> list[str]:
    return [change.action for change in compare_specs(stored, declared)]


def test_a_new_store_is_created() -> None:
    assert actions(None, vector()) == ["create_store"]


@pytest.mark.parametrize(
    "declared",
    [
        vector(dimensions=9),
        vector(metric="l2"),
        vector(embedding_model="other"),
        vector(index=IndexSpec(m=32)),
        vector(index=IndexSpec(type="ivfflat")),
        vector(index=IndexSpec(quantization="half")),
        vector(fields={"year": "string"}),
        vector(fields={}),
        KVSpec(name="chunks"),
    ],
)
def test_what_data_cannot_follow_is_refused_with_the_way_out(declared: StoreSpec) -> None:
    changes = compare_specs(vector(), declared)
    assert [change.action for change in changes] == ["refused"]
    assert changes[0].reason


def test_graph_direction_is_fixed() -> None:
    assert actions(GraphSpec(name="g"), GraphSpec(name="g", directed=False)) == ["refused"]


def test_removed_indexes_are_refused() -> None:
    stored = doc("a", "b")
    assert actions(stored, doc("b")) == ["refused"]


def test_new_fields_and_indexes_are_added() -> None:
    assert actions(vector(), vector(fields={"year": "integer", "tag": "string"})) == ["add_field"]
    stored = doc("a")
    assert actions(stored, doc("a", "b", ["a", "-b"])) == [
        "add_index",
        "add_index",
    ]


def test_search_settings_and_ttl_are_noted_without_touching_data() -> None:
    assert actions(vector(), vector(index=IndexSpec(ef=200))) == ["update_spec"]
    assert actions(KVSpec(name="k"), KVSpec(name="k", ttl=604800.0)) == ["update_spec"]


def test_another_backend_name_for_the_same_store_is_no_change() -> None:
    assert actions(vector(), vector(backend="renamed")) == []


paths = st.sampled_from(["a", "b", "c.d", "-a", "meta:created_at"])
indexes = st.lists(
    st.one_of(paths, st.lists(paths, min_size=2, max_size=3, unique_by=lambda p: p.strip("-"))),
    max_size=4,
    unique_by=str,
)


@given(indexes, indexes)
def test_after_every_step_is_done_nothing_is_left(first: list[Any], added: list[Any]) -> None:
    before = doc(*first)
    more = [index for index in added if index not in first]
    declared = doc(*first, *more)
    now: StoreSpec = before
    for change in compare_specs(before, declared):
        now = spec_after(now, declared, change)
    assert compare_specs(now, declared) == []


@given(indexes)
def test_a_spec_survives_the_catalogue(chosen: list[Any]) -> None:
    spec = doc(*chosen)
    again = DocSpec.model_validate(spec.model_dump(mode="json"))
    assert again == spec
    assert compare_specs(again, spec) == []


def test_an_index_is_rebuilt_where_the_backend_can() -> None:
    declared = vector(
        index=IndexSpec(type="ivfflat", quantization="half"),
        fields={"year": "integer", "n": "string"},
    )
    changes = compare_specs(vector(), declared, rebuilds=True)
    assert [change.action for change in changes] == ["rebuild_index", "add_field"]
    assert "type auto -> ivfflat, quantization none -> half" in changes[0].summary
    now: StoreSpec = vector()
    for change in changes:
        now = spec_after(now, declared, change)
    assert now == declared
    refused = compare_specs(vector(), vector(metric="l2", dimensions=9), rebuilds=True)
    assert [change.action for change in refused] == ["refused", "refused"]
