"""The meter that keeps the channel's limits."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.teams.limits import PER_THREAD, Limit, Meter

START = datetime(2026, 1, 5, tzinfo=UTC)


def test_nothing_waits_below_the_limit():
    meter = Meter([Limit(2, 1)])
    meter.note(START)
    assert meter.wait_s(START) == 0


def test_the_wait_ends_when_the_oldest_is_old_enough():
    meter = Meter([Limit(2, 10)])
    meter.note(START)
    meter.note(START + timedelta(seconds=4))
    assert meter.wait_s(START + timedelta(seconds=6)) == 4


def test_a_second_burst_is_held_like_the_first():
    meter = Meter([Limit(2, 1), Limit(100, 60)])
    for second in (0, 0, 10, 10):
        meter.note(START + timedelta(seconds=second))
    assert meter.wait_s(START + timedelta(seconds=10)) == 1


def test_an_hour_holds_1800_messages():
    meter, now = Meter(PER_THREAD), START
    for _ in range(1800):
        meter.note(now)
        now += timedelta(seconds=1)
    assert meter.wait_s(now) == 1800


def test_a_meter_is_idle_only_after_its_longest_window():
    meter = Meter([Limit(2, 1), Limit(9, 60)])
    assert meter.is_idle(START)
    meter.note(START)
    assert not meter.is_idle(START + timedelta(seconds=60))
    assert meter.is_idle(START + timedelta(seconds=61))


@given(st.lists(st.floats(0, 3), max_size=120))
def test_whoever_waits_as_told_never_breaks_a_limit(pauses):
    meter, now, times = Meter(PER_THREAD), START, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        now += timedelta(seconds=meter.wait_s(now))
        meter.note(now)
        times.append(now)
    for limit in PER_THREAD:
        window = timedelta(seconds=limit.seconds)
        assert all(
            later - earlier >= window
            for earlier, later in zip(times, times[limit.count :], strict=False)
        )
