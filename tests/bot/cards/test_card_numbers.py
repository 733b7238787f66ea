"""Numbers read as people would say them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.numbers import (
    client_moment,
    count,
    duration,
    duration_range,
    loss,
    memory,
    moment,
    money,
    money_range,
    percent,
    rate,
    setting,
    share,
    significant,
)
from bot.cards.sparkline import sparkline
from bot.domain.run import Point

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (812, "812"),
        (12_345, "12,345"),
        (999_400, "999,400"),
        (999_999, "1 M"),
        (1_213_440, "1.21 M"),
        (134_515_008, "135 M"),
        (999_600_000, "1 B"),
        (8_030_261_248, "8.03 B"),
        (15e12, "15 T"),
        (2.5e15, "2,500,000,000,000,000"),
    ],
)
def test_a_count_is_short(number: float, shown: str) -> None:
    assert count(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "under 1 s"),
        (0.99, "under 1 s"),
        (40.2, "40 s"),
        (59.6, "1 min"),
        (80.4, "1 min 20 s"),
        (3599.7, "1 h"),
        (7_500, "2 h 5 min"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (None, "unknown"),
        (NAN, "unknown"),
        (INF, "unknown"),
    ],
)
def test_a_time_has_at_most_two_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "EUR 0.00"),
        (0.0001, "under EUR 0.01"),
        (0.0067, "EUR 0.01"),
        (4.32, "EUR 4.32"),
        (12_000, "EUR 12,000.00"),
        (NAN, "unknown"),
    ],
)
def test_money_is_never_shown_as_nothing_when_it_is_something(amount: float, shown: str) -> None:
    assert money(amount, "EUR") == shown


def test_a_range_that_says_nothing_more_is_left_out() -> None:
    assert money_range(0.008, 0.009, 0.011, currency="EUR") == "about EUR 0.01"
    assert money_range(0.001, 0.002, 0.004, currency="EUR") == "under EUR 0.01"
    assert money_range(0.002, 0.003, 0.007, currency="EUR") == "under EUR 0.01, at most EUR 0.01"
    assert money_range(3.2, 4.32, 7.2, currency="EUR") == "about EUR 4.32 (EUR 3.20 to EUR 7.20)"
    assert duration_range(30, 40, 62) == "about 40 s (30 s to 1 min 2 s)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.3149, "2.31"),
        (0.1234, "0.123"),
        (0.00123, "0.00123"),
        (0.0000123, "1.23e-05"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (9.999, "10.00"),
        (-2.3149, "-2.31"),
        (0.0, "0"),
        (None, "unknown"),
        (NAN, "not a number"),
        (INF, "infinite"),
    ],
)
def test_a_loss_has_three_digits_that_mean_something(value: float | None, shown: str) -> None:
    assert loss(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_three_digits_are_within_a_hundredth_of_the_value(value: float) -> None:
    shown = float(significant(value).replace(",", ""))
    assert shown == pytest.approx(value, rel=0.01, abs=1e-300)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 200, "0 %"), (40, 200, "20 %"), (199.9, 200, "99 %"), (200, 200, "100 %"), (5, 0, "0 %")],
)
def test_nothing_is_all_done_before_it_is(part: float, whole: float, shown: str) -> None:
    assert percent(part, whole) == shown


@given(st.integers(-10, 10**9), st.integers(-10, 10**9))
def test_a_share_is_a_percentage_whatever_is_reported(part: int, whole: int) -> None:
    assert 0 <= share(part, whole) <= 100


@pytest.mark.parametrize(
    ("size", "shown"), [(10, "1 kB"), (512e6, "512 MB"), (1.14e9, "1.14 GB"), (2e12, "2.00 TB")]
)
def test_memory_is_in_the_unit_that_fits(size: float, shown: str) -> None:
    assert memory(size) == shown


def test_a_throughput_that_is_no_number_is_unknown() -> None:
    assert rate(21_300) == "21,300 tokens/s"
    assert rate(INF) == "unknown"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"),
        (True, "yes"),
        (3e-4, "0.0003"),
        (200, "200"),
        (["a", 1], "a, 1"),
        ([], "none"),
    ],
)
def test_a_setting_is_shown_as_it_would_be_typed(value: Any, shown: str) -> None:
    assert setting(value) == shown


def test_a_time_is_shown_in_utc_wherever_it_was_made() -> None:
    at = datetime(2026, 11, 23, 4, 40, tzinfo=timezone(timedelta(hours=2)))
    assert moment(at) == "23 Nov 2026 02:40 UTC"
    assert client_moment(at) == (
        "{{DATE(2026-11-23T02:40:00Z,SHORT)}} {{TIME(2026-11-23T02:40:00Z)}}"
    )
    assert moment(at.astimezone(UTC)) == moment(at)


def test_a_falling_loss_falls_in_the_sparkline() -> None:
    line = sparkline([Point(step, 8.0 - step) for step in range(8)])
    assert line == "█▇▆▅▄▃▂▁"


def test_a_flat_or_broken_curve_draws_what_it_can() -> None:
    assert sparkline([Point(1, 2.0), Point(2, 2.0)]) == "▁▁"
    assert sparkline([Point(1, 2.0), Point(2, NAN)]) == ""
    assert sparkline([]) == ""


@given(st.lists(st.floats(0, 100), min_size=2, max_size=200), st.integers(1, 60))
def test_a_sparkline_keeps_to_its_width(values: list[float], width: int) -> None:
    line = sparkline([Point(i, value) for i, value in enumerate(values)], width)
    assert 1 <= len(line) <= width
