"""Blocking calls in threads, and the pauses that services ask for."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.faults import UntakenError
from bot.errors import SetupError, UnavailableError


class Time:
    now = 100.0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def gate(time: Time) -> Gate:
    return Gate("Azure DevOps", lambda: time.now)


@pytest.fixture
async def calls(gate: Gate) -> AsyncIterator[Calls]:
    found = Calls(gate, "the bot", threads=2, timeout_s=5)
    yield found
    found.close()


def test_a_429_holds_the_next_request_for_as_long_as_it_says(gate: Gate, time: Time) -> None:
    gate.heed(429, {"Retry-After": "7"})
    time.now += 6.5
    with pytest.raises(UntakenError, match="pause"):
        gate.check()
    time.now += 1
    gate.check()


def test_a_good_answer_with_a_pause_holds_too(gate: Gate) -> None:
    gate.heed(200, {"Retry-After": "3"})
    assert gate.held_s == 3


def test_a_429_without_a_word_still_holds(gate: Gate) -> None:
    gate.heed(429, {})
    assert gate.held_s > 0


def test_a_shorter_wish_does_not_shorten_a_pause(gate: Gate) -> None:
    gate.heed(429, {"Retry-After": "60"})
    gate.heed(429, {"Retry-After": "1"})
    assert gate.held_s == 60


@pytest.mark.parametrize("status", [201, 202])
def test_the_pace_of_a_long_operation_is_no_pause(gate: Gate, status: int) -> None:
    gate.heed(status, {"Retry-After": "30"})
    assert gate.held_s == 0


async def test_a_call_returns_its_value_from_another_thread(calls: Calls) -> None:
    here = threading.get_ident()
    assert await calls.run("ask", threading.get_ident) != here


async def test_what_a_call_raises_is_told_as_an_error_of_ours(calls: Calls) -> None:
    def fail() -> None:
        raise ValueError("odd")

    with pytest.raises(SetupError, match="Could not ask at Azure DevOps: odd"):
        await calls.run("ask", fail)


async def test_nothing_is_called_while_the_service_wants_a_pause(calls: Calls, gate: Gate) -> None:
    called: list[int] = []
    gate.heed(429, {"Retry-After": "7"})
    with pytest.raises(UntakenError):
        await calls.run("ask", lambda: called.append(1))
    assert called == []


async def test_a_call_that_began_and_takes_too_long_may_have_had_its_effect(calls: Calls) -> None:
    go_on = threading.Event()
    with pytest.raises(UnavailableError, match="within 0 s: could not ask") as caught:
        await calls.run("ask", lambda: go_on.wait(30), timeout_s=0.05)
    go_on.set()
    assert not isinstance(caught.value, UntakenError)


async def test_a_call_that_never_began_certainly_had_none(calls: Calls) -> None:
    go_on, called = threading.Event(), list[int]()
    busy = [asyncio.ensure_future(calls.run("wait", lambda: go_on.wait(30))) for _ in range(2)]
    await asyncio.sleep(0)  # both are in the pool now, which has room for two
    with pytest.raises(UntakenError):
        await calls.run("ask", lambda: called.append(1), timeout_s=0.05)
    go_on.set()
    await asyncio.gather(*busy)
    await calls.run("ask again", lambda: None)
    assert called == []
