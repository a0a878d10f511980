"""What the application was told, as plain data, and how two of its runs differ.

An answer is compared as the promise says: equal for every exact operation, scores within 1e-5,
approximate search by recall, text search by membership. What a backend does not declare is refused
there, and only there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pytest

from polystore.errors import PolystoreError, UnsupportedError
from polystore.filters import operators

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from polystore.capabilities import Feature
    from polystore.filters import Filter
    from polystore.stores.handle import Handle
    from polystore.types.records import Hit

SCORES: Final = 1e-5
RECALL: Final = 0.9

How: TypeAlias = Literal["exact", "scored", "recalled", "members", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and how it is compared; `value` is plain data.

    exact: anything. scored: pairs of id and score, the best first. recalled: lists of ids, one per
    query. members: sorted ids. refused: why.
    """

    how: How
    value: Any


@dataclass(slots=True)
class Notes:
    """The answers of one run, by the name of the question."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])

    def exact(self, name: str, value: Any) -> None:
        """Note what has to be equal everywhere."""
        self._note(name, Answer("exact", value))

    def scored(self, name: str, hits: Iterable[Hit]) -> None:
        """Note a ranking whose scores may differ by a rounding."""
        self._note(name, Answer("scored", [[hit.id, float(hit.score)] for hit in hits]))

    def recalled(self, name: str, rankings: Iterable[Sequence[Hit]]) -> None:
        """Note rankings that an index may have made, of which it may miss a few."""
        self._note(name, Answer("recalled", [[hit.id for hit in hits] for hits in rankings]))

    def members(self, name: str, ids: Iterable[str]) -> None:
        """Note ids whose order is the engine's own."""
        self._note(name, Answer("members", sorted(ids)))

    async def error(self, name: str, call: Awaitable[object]) -> None:
        """Note how a call that is wrong fails; it has to."""
        try:
            value = await call
        except PolystoreError as error:
            said = {"error": type(error).__name__, "retryable": error.retryable}
            self.exact(name, said | {"hint": bool(error.hint)})
        else:
            self.exact(name, {"error": None, "value": repr(value)})

    async def declares(self, name: str, store: Handle[Any], feature: Feature) -> bool:
        """Return whether `store` declares `feature`; note that the answer is missing if not."""
        if feature in (await store.capabilities()).features:
            return True
        self._note(name, Answer("refused", feature.value))
        return False

    async def evaluates(self, name: str, store: Handle[Any], filter_: Filter) -> bool:
        """Return whether `store` has the operators of a filter; note what is missing if not."""
        lacks = operators(filter_) - (await store.capabilities()).filters
        if not lacks:
            return True
        self._note(name, Answer("refused", sorted(lacks)))
        return False

    async def refuses(self, name: str, call: Awaitable[object]) -> None:
        """Fail unless a call for what is undeclared is refused."""
        with pytest.raises(UnsupportedError) as raised:
            await call
        assert raised.value.backend, f"{name}: the refusal names no backend"
        assert raised.value.hint, f"{name}: the refusal says no way out"

    def _note(self, name: str, answer: Answer) -> None:
        assert name not in self.answers, f"{name} is asked twice"
        json.dumps(answer.value)  # plain data, or a TypeError
        self.answers[name] = answer


def differences(ours: dict[str, Answer], reference: dict[str, Answer]) -> list[str]:
    """Return, in words, where a run does not say what the reference says.

    What is asked further about a question that was refused is not asked.
    """
    refused = [name for one in (ours, reference) for name in one if one[name].how == "refused"]
    told = [
        f"{name}: {'not asked' if name in reference else 'asked only here'}"
        for name in ours.keys() ^ reference.keys()
        if not any(name.startswith(f"{question}: ") for question in refused)
    ]
    for name in ours.keys() & reference.keys():
        difference = _difference(ours[name], reference[name])
        if difference:
            told.append(f"{name}: {difference}")
    return sorted(told)


def _difference(ours: Answer, reference: Answer) -> str | None:
    if "refused" in (ours.how, reference.how):
        return None  # one of the two does not declare it; that it refuses was seen on the run
    if ours.how != reference.how:
        return f"compared as {ours.how} and as {reference.how}"
    if ours.how == "scored":
        return _scores(ours.value, reference.value)
    if ours.how == "recalled":
        return _recall(ours.value, reference.value)
    if ours.value == reference.value and _types(ours.value) == _types(reference.value):
        return None
    return f"{_short(ours.value)} instead of {_short(reference.value)}"


def _types(value: Any) -> Any:
    """Return the shape that equality does not see: True equals 1, but is no number."""
    if isinstance(value, dict):
        return {key: _types(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_types(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return "bool" if isinstance(value, bool) else "number" if isinstance(value, int | float) else ""


def _scores(ours: list[Any], reference: list[Any]) -> str | None:
    if len(ours) != len(reference):
        return f"{len(ours)} hits instead of {len(reference)}"
    expected, seen = dict(reference), set[str]()
    for place, ((id_, score), (_, best)) in enumerate(zip(ours, reference, strict=True)):
        if id_ in seen:
            return f"{id_} comes twice"
        seen.add(id_)
        if abs(score - best) > SCORES:
            return f"place {place} has score {score} instead of {best}"
        if abs(expected.get(id_, best) - score) > SCORES:
            return f"{id_} has score {score} instead of {expected[id_]}"
    # The last place may go to another one with the same score; everyone above it may not change.
    tied = [id_ for id_, score in reference if abs(score - reference[-1][1]) <= SCORES]
    lost = expected.keys() - dict(ours).keys() - set(tied)
    return f"{', '.join(sorted(lost))} is missing" if lost else None


def _recall(ours: list[list[str]], reference: list[list[str]]) -> str | None:
    counts = [len(ids) for ids in ours], [len(ids) for ids in reference]
    if counts[0] != counts[1]:
        return f"{counts[0]} hits instead of {counts[1]}"
    wanted = sum(counts[1])
    pairs = zip(ours, reference, strict=True)
    found = sum(len(set(mine) & set(theirs)) for mine, theirs in pairs)
    if wanted and found / wanted < RECALL:
        return f"recall {found / wanted:.3f}"
    return None


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 2000 else f"{text[:2000]}..."
