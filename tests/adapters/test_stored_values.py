"""Whatever a domain value holds, storing it and reading it back gives the same value."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.sql.values import (
    DRAFT,
    EVENT,
    MESSAGE,
    PROMOTION,
    RUN,
    SCHEDULE,
    THREAD,
    Codec,
)
from bot.domain.message import Message
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.domain.promotion import Promotion
from bot.domain.run import Draft, Event, Point, ProgressSeen, Run, Seen, Source
from bot.domain.schedule import Schedule
from trainer.contract.failure import Failure, FailureKind
from trainer.contract.spec import RunSpec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FLOATS = st.floats(allow_nan=False)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
TIMES = st.datetimes(timezones=ZONES).filter(lambda t: 1 < t.year < 9999)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SPECS = st.builds(
    RunSpec.model_validate,
    st.fixed_dictionaries(
        {
            "recipe": TEXT,
            "name": st.sampled_from(["a", "first-try.2"]),
            "method": st.sampled_from(["pretrain", "sft"]),
            "model": st.fixed_dictionaries({"source": TEXT.filter(lambda t: ":" not in t)}),
            "data": st.fixed_dictionaries(
                {"train": st.fixed_dictionaries({"uri": TEXT.filter(bool)})}
            ),
            "budget": st.fixed_dictionaries({"epochs": st.floats(1e-6, 1000)}),
        }
    ),
)
FAILURES = st.builds(
    Failure, kind=st.sampled_from(FailureKind), message=TEXT, remedy=TEXT, step=st.none()
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**60), 2**60),
    float: FLOATS,
    bool: st.booleans(),
    datetime: TIMES,
    Any: JSON,
    type(None): st.none(),
    dict[str, Any]: st.dictionaries(TEXT, JSON, max_size=3),
    dict[str, float]: st.dictionaries(TEXT, FLOATS, max_size=3),
    dict[str, int]: st.dictionaries(TEXT, st.integers(), max_size=3),
    Mapping[str, Any]: st.dictionaries(TEXT, JSON, max_size=3),
    RunSpec: SPECS,
    Failure: FAILURES,
}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return any value of a domain type, every field of it by its annotation."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return values(parts[0])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in {types.UnionType, typing.Union}:
        return st.one_of([values(part) for part in parts])
    if origin is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(values(parts[0]), max_size=2).map(tuple)
        return st.tuples(*(values(part) for part in parts))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {f.name: values(hints[f.name]) for f in dataclasses.fields(kind)}
    return st.builds(kind, **fields)


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        (DRAFT, Draft),
        (RUN, Run),
        (EVENT, Event),
        (MESSAGE, Message),
        (THREAD, Thread),
        (PROMOTION, Promotion),
        (SCHEDULE, Schedule),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_value_comes_back_exactly(codec: Codec[Any], kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize("kind", typing.get_args(typing.get_args(Post)[0]))
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_kind_of_post_comes_back_as_itself(kind: type, data: st.DataObject) -> None:
    message = dataclasses.replace(data.draw(values(Message)), post=data.draw(values(kind)))
    back = MESSAGE.decode(MESSAGE.encode(message))
    assert (type(back.post), back) == (kind, message)


@settings(max_examples=60)
@given(at=TIMES)
def test_a_time_comes_back_in_its_own_zone(at: datetime) -> None:
    event = Event("run-1", at, None, "state", "", Source.BOT)
    assert EVENT.decode(EVENT.encode(event)).at.utcoffset() == at.utcoffset()


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
def test_a_loss_that_is_no_number_is_no_reason_to_lose_the_run(make_run, odd: float) -> None:
    run = make_run(seen=Seen(progress=ProgressSeen(loss=odd, curve=(Point(1, odd),))))
    progress = RUN.decode(RUN.encode(run)).seen.progress
    assert progress is not None
    assert str(progress.curve[0].value) == str(odd)
    assert str(progress.loss) == str(odd)
