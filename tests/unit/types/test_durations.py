"""Durations: every form, and nothing that only looks like one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.errors import ConfigError
from polystore.types.durations import parse_duration


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30s", 30), ("5m", 300), ("7d", 604800), ("250ms", 0.25), ("2h", 7200), ("1w", 604800),
        ("1.5h", 5400), ("30", 30), (" 30 s ", 30), (1.5, 1.5), (0, 0), ("0s", 0),
        ("PT30S", 30), ("PT1H30M", 5400), ("P7D", 604800), ("P1W", 604800), ("P1DT12H", 129600),
        ("PT0.5S", 0.5), (timedelta(minutes=1), 60),
    ],
)  # fmt: skip
def test_meaning(value: object, seconds: float) -> None:
    assert parse_duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    [
        "", "s", "-1s", -1, True, None, [], "1 year", "1y", "30S", "1e3s", "1h30m", "P", "PT",
        "P1DT",
        "P1Y", "P1M", "PT1S1M", "nan", "inf", float("nan"), float("inf"), 10**400, "१s", "9" * 400,
        timedelta(seconds=-1), "1..5s", ".5s",
    ],
)  # fmt: skip
def test_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="not a duration"):
        parse_duration(value)


@given(st.text(max_size=8) | st.floats() | st.integers() | st.from_regex(r"P[0-9WDTHMS.]*"))
def test_anything_is_a_non_negative_finite_number_or_refused(value: object) -> None:
    try:
        seconds = parse_duration(value)
    except ConfigError:
        return
    assert 0 <= seconds < float("inf")


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
def test_units_agree_with_timedelta(number: int, unit: str) -> None:
    names = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    expected = timedelta(**{names.get(unit, "weeks"): number}).total_seconds()
    assert parse_duration(f"{number}{unit}") == pytest.approx(expected)
