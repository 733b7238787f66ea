"""Bucket maths: whatever the curve, its extremes survive, and nothing is made up."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.buckets import Curve, bucketed, grid, smoothed, thinned, trend

VALUES = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    steps = sorted(draw(st.sets(st.integers(0, 5000), min_size=1, max_size=200)))
    return Curve(steps, draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps))))


@given(curves(), st.integers(1, 300))
def test_the_extremes_are_never_lost(curve: Curve, buckets: int) -> None:
    onto = grid(curve.steps[0], curve.steps[-1], buckets)
    parts = bucketed(curve, onto)
    assert min(v for v in parts.low if v is not None) == min(curve.values)
    assert max(v for v in parts.high if v is not None) == max(curve.values)
    assert parts.last[-1] == curve.values[-1]


@given(curves(), st.integers(1, 300), st.integers(0, 5000), st.integers(0, 5000))
def test_each_bucket_says_what_lies_in_it(curve: Curve, buckets: int, a: int, b: int) -> None:
    onto = grid(min(a, b), max(a, b), buckets)
    parts = bucketed(curve, onto)
    begin = onto.first
    for at, end in enumerate(onto.ends):
        inside = [v for s, v in zip(curve.steps, curve.values, strict=True) if begin <= s <= end]
        found = (parts.low[at], parts.high[at], parts.last[at])
        assert found == ((min(inside), max(inside), inside[-1]) if inside else (None,) * 3)
        assert (parts.smooth[at] is None) == (not inside)
        begin = int(end) + 1


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 4000))
def test_a_grid_covers_its_steps_with_no_more_buckets_than_asked(a: int, b: int, n: int) -> None:
    onto = grid(min(a, b), max(a, b), n)
    assert 1 <= onto.count <= n
    assert onto.ends[-1] == onto.last
    assert (onto.count - 1) * onto.width < onto.last - onto.first + 1 <= onto.count * onto.width


@given(st.lists(VALUES, min_size=1, max_size=60), st.floats(0.01, 1))
def test_smoothing_stays_between_the_extremes(values: list[float], weight: float) -> None:
    means = smoothed(values, weight)
    slack = 1e-9 * max(1.0, *map(abs, values))
    assert all(min(values) - slack <= mean <= max(values) + slack for mean in means)
    assert math.isclose(means[0], values[0], rel_tol=1e-9, abs_tol=1e-9)


def test_smoothing_begins_before_the_part_that_is_shown() -> None:
    curve = Curve(range(1, 5), [1.0, 1.0, 1.0, 5.0])
    shown = bucketed(curve, grid(4, 4, 10), smooth=0.5)
    assert shown.smooth == (pytest.approx((0.0625 + 0.125 + 0.25 + 2.5) / 0.9375),)


def test_smoothing_is_of_all_points_and_not_of_the_buckets() -> None:
    curve = Curve(range(6), [0.0, 6.0, 0.0, 6.0, 0.0, 6.0])
    fine = bucketed(curve, grid(0, 5, 6), smooth=0.8)
    coarse = bucketed(curve, grid(0, 5, 3), smooth=0.8)
    assert coarse.smooth == fine.smooth[1::2]


def test_a_range_without_steps_is_an_empty_grid() -> None:
    onto = grid(10, 5, 100)
    assert onto.ends == ()
    assert bucketed(Curve([1], [1.0]), onto).low == ()


@given(curves(), st.integers(4, 80))
def test_thinning_keeps_ends_and_extremes_and_invents_no_point(curve: Curve, most: int) -> None:
    thin = thinned(curve, most)
    points = set(zip(curve.steps, curve.values, strict=True))
    kept = list(zip(thin.steps, thin.values, strict=True))
    assert len(kept) <= most
    assert set(kept) <= points
    assert kept == sorted(kept, key=lambda point: point[0])
    assert {min(thin.values), max(thin.values)} == {min(curve.values), max(curve.values)}
    assert (kept[0][0], kept[-1][0]) == (curve.steps[0], curve.steps[-1])


def test_a_trend_shows_the_direction_of_a_noisy_curve() -> None:
    noisy = [8.0 - step / 100 + (0.7 if step % 2 else -0.7) for step in range(560)]
    course = trend(Curve(list(range(560)), noisy), 40)
    falls = sum(after < before for before, after in pairwise(course.values))
    assert len(course.values) <= 40
    assert falls >= 0.9 * (len(course.values) - 1)


def test_a_short_curve_is_its_own_trend() -> None:
    curve = Curve([1, 2, 3], [3.0, 9.0, 1.0])
    assert trend(curve, 40) == curve
