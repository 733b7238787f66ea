"""The contract of RunStore, for every store that there is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.message import Message, MessageState
from bot.domain.people import Person, Role, Thread
from bot.domain.posts import TextPost
from bot.domain.run import Draft, Event, Run, RunStatus
from bot.errors import ConflictError, NotFoundError
from bot.ports import RunQuery, RunStore

RUN_ID = "run-20261123-aaaaaa"


async def test_a_draft_comes_back_as_it_was_stored(
    store: RunStore, make_draft: Callable[..., Draft]
) -> None:
    draft = make_draft(changes={"lr": "2e-4", "data.max_length": 64})
    assert await store.add_draft(draft) == draft
    assert await store.draft(draft.id) == draft


async def test_a_nonce_makes_one_draft(store: RunStore, make_draft: Callable[..., Draft]) -> None:
    first = await store.add_draft(make_draft("run-20261123-aaaaaa", "same"))
    again = await store.add_draft(make_draft("run-20261123-bbbbbb", "same"))
    assert again == first
    assert await store.draft("run-20261123-bbbbbb") is None


async def test_a_draft_id_that_is_taken_is_refused(
    store: RunStore, make_draft: Callable[..., Draft]
) -> None:
    await store.add_draft(make_draft(nonce="one"))
    with pytest.raises(ConflictError, match="run-20261123-aaaaaa"):
        await store.add_draft(make_draft(nonce="two"))


async def test_an_unknown_draft_run_message_or_thread_is_none(store: RunStore) -> None:
    assert await store.draft("run-20261123-zzzzzz") is None
    assert await store.run("run-20261123-zzzzzz") is None
    assert await store.message("no") is None
    assert await store.message_shown_as("t", "a") is None
    assert await store.thread("t") is None


async def test_a_run_comes_back_with_events_and_messages(
    store: RunStore,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    make_message: Callable[..., Message],
) -> None:
    run = await store.add_run(make_run(), [make_event()], [make_message(run_id=RUN_ID)])
    assert run == make_run(version=1)
    assert await store.run(run.id) == run
    assert [event.text for event in await store.events(run.id)] == ["It is queued."]
    assert await store.messages(run_id=run.id) == [make_message(run_id=RUN_ID)]


async def test_a_run_added_twice_is_the_first_and_tells_nothing_twice(
    store: RunStore,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    make_message: Callable[..., Message],
) -> None:
    first = await store.add_run(make_run(), [make_event()], [make_message("a")])
    second = make_run(status=RunStatus.FAILED)
    assert await store.add_run(second, [make_event()], [make_message("b")]) == first
    assert len(await store.events(first.id)) == 1
    assert await store.message("b") is None


async def test_each_save_makes_the_next_version(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    run = await store.add_run(make_run(), (), ())
    saved = await store.save_run(replace(run, status=RunStatus.PREPARING))
    assert saved.version == run.version + 1
    assert await store.run(run.id) == saved


async def test_a_stale_save_is_refused_and_writes_nothing(
    store: RunStore,
    make_run: Callable[..., Run],
    make_event: Callable[..., Event],
    make_message: Callable[..., Message],
) -> None:
    old = await store.add_run(make_run(), (), ())
    new = await store.save_run(replace(old, status=RunStatus.PREPARING))
    with pytest.raises(ConflictError, match="run-20261123-aaaaaa"):
        await store.save_run(
            replace(old, status=RunStatus.FAILED), [make_event()], [make_message()]
        )
    assert await store.run(old.id) == new
    assert await store.events(old.id) == []
    assert await store.messages() == []


async def test_of_many_saves_at_once_one_wins(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    run = await store.add_run(make_run(), (), ())
    saves = (store.save_run(replace(run, status=RunStatus.PREPARING)) for _ in range(8))
    ended = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(result, Run) for result in ended) == 1
    assert sum(isinstance(result, ConflictError) for result in ended) == 7


async def test_a_run_that_is_not_there_cannot_be_saved(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    with pytest.raises(NotFoundError, match="run-20261123-aaaaaa"):
        await store.save_run(make_run())


async def test_runs_come_newest_first_in_pages_that_miss_and_repeat_none(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    for at in range(5):
        await store.add_run(make_run(f"run-{at}", age_s=[0, 10, 10, 10, 20][at]), (), ())
    seen: list[str] = []
    page = await store.runs(RunQuery(limit=2))
    while True:
        seen += [run.id for run in page.runs]
        assert page.total == 5
        if page.next is None:
            break
        page = await store.runs(RunQuery(limit=2, before=page.next))
    assert seen == ["run-0", "run-3", "run-2", "run-1", "run-4"]


BOB = Person("bob", "tenant-1", "Bob", Role.ADMIN)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (RunQuery(), {"a", "b", "c"}),
        (RunQuery(statuses=frozenset({RunStatus.FAILED})), {"b"}),
        (RunQuery(statuses=frozenset({RunStatus.FAILED, RunStatus.QUEUED})), {"a", "b", "c"}),
        (RunQuery(requester_id="bob"), {"c"}),
        (RunQuery(recipe="tiny-lora"), {"b"}),
        (RunQuery(text="TRY"), {"a", "c"}),
        (RunQuery(text="lora"), {"b"}),
        (RunQuery(text="%"), set()),
        (RunQuery(text="_"), {"b"}),
        (RunQuery(text="try", requester_id="bob", recipe="tiny-sft"), {"c"}),
        (RunQuery(limit=0), set()),
    ],
)
async def test_a_filter_finds_what_it_says(
    store: RunStore, make_run: Callable[..., Run], query: RunQuery, found: set[str]
) -> None:
    await store.add_run(make_run("a"), (), ())
    lora = {"name": "other_one", "recipe": "tiny-lora"}
    await store.add_run(make_run("b", spec=lora, status=RunStatus.FAILED), (), ())
    await store.add_run(make_run("c", requester=BOB), (), ())
    page = await store.runs(query)
    assert {run.id for run in page.runs} == found


async def test_unfinished_runs_come_oldest_first(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    for at, status in enumerate(RunStatus):
        await store.add_run(make_run(f"run-{status}", age_s=at, status=status), (), ())
    found = [run.status for run in await store.unfinished()]
    assert found == [status for status in reversed(RunStatus) if not status.is_final]


async def test_a_finished_run_is_open_until_its_messages_are_delivered(
    store: RunStore, make_run: Callable[..., Run], make_message: Callable[..., Message]
) -> None:
    states = [*MessageState, "dirty"]
    for state in states:
        run = make_run(f"run-{state}", status=RunStatus.SUCCEEDED)
        is_dirty = state == "dirty"
        message = make_message(
            str(state),
            run_id=run.id,
            state=MessageState.SENT if is_dirty else MessageState(state),
            is_dirty=is_dirty,
        )
        await store.add_run(run, (), [message])
    await store.add_run(make_run("run-going"), (), [make_message("x", run_id="run-going")])
    found = await store.with_open_messages()
    assert sorted(found) == ["run-dirty", "run-pending", "run-sending"]


async def test_events_are_numbered_over_all_runs_and_read_from_any_number(
    store: RunStore, make_run: Callable[..., Run], make_event: Callable[..., Event]
) -> None:
    await store.add_run(make_run("a"), [make_event("a", "one"), make_event("a", "two")], ())
    await store.add_run(make_run("b"), [make_event("b", "three")], ())
    last = await store.add_event(make_event("a", "four", data={"exit_code": 3, "who": None}))
    found = await store.events("a")
    assert [event.kind for event in found] == ["one", "two", "four"]
    assert [event.seq for event in found] == sorted({event.seq for event in found})
    assert await store.events("a", after=found[1].seq) == [last]
    assert (await store.events("b"))[0].seq < last.seq


async def test_an_event_of_no_run_is_refused(
    store: RunStore, make_event: Callable[..., Event]
) -> None:
    with pytest.raises(NotFoundError, match="run-unknown"):
        await store.add_event(make_event("run-unknown"))


async def test_a_message_key_is_told_once(
    store: RunStore, make_message: Callable[..., Message]
) -> None:
    first = make_message("k")
    assert await store.add_message(first) is True
    assert await store.add_message(make_message("k", post=TextPost("Other."))) is False
    assert await store.message("k") == first


async def test_delivery_is_stored_and_the_post_is_left_alone(
    store: RunStore, make_message: Callable[..., Message], now: datetime
) -> None:
    message = make_message()
    await store.add_message(message)
    sent = replace(
        message, state=MessageState.SENT, activity_id="a-1", sent_at=now, attempts=2, fault="slow"
    )
    await store.save_message(sent)
    assert await store.message(message.key) == sent


async def test_a_message_that_is_not_there_cannot_change(
    store: RunStore, make_message: Callable[..., Message]
) -> None:
    with pytest.raises(NotFoundError, match="card"):
        await store.save_message(make_message())
    with pytest.raises(NotFoundError, match="card"):
        await store.put_post("card", TextPost("Newer."))


@pytest.mark.parametrize(
    ("state", "is_dirty"),
    [
        (MessageState.PENDING, False),
        (MessageState.SENDING, True),
        (MessageState.SENT, True),
        (MessageState.UNKNOWN, True),
        (MessageState.DEAD, True),
    ],
)
async def test_a_newer_post_makes_what_is_shown_stale(
    store: RunStore, make_message: Callable[..., Message], state: MessageState, is_dirty: bool
) -> None:
    message = make_message(state=state, activity_id="a-1")
    await store.add_message(message)
    await store.put_post(message.key, TextPost("Training."))
    expected = replace(message, post=TextPost("Training."), is_dirty=is_dirty)
    assert await store.message(message.key) == expected


async def test_saving_a_run_gives_a_known_message_the_newer_post_only(
    store: RunStore,
    make_run: Callable[..., Run],
    make_message: Callable[..., Message],
    now: datetime,
) -> None:
    sent = make_message(state=MessageState.SENT, activity_id="a-1", sent_at=now, run_id=RUN_ID)
    run = await store.add_run(make_run(), (), [sent])
    newer = make_message(post=TextPost("Training."), run_id=RUN_ID)
    await store.save_run(run, (), [newer, make_message("alert", run_id=RUN_ID)])
    assert await store.message("card") == replace(sent, post=newer.post, is_dirty=True)
    assert await store.message("alert") == make_message("alert", run_id=RUN_ID)


async def test_the_same_post_again_leaves_a_message_clean(
    store: RunStore, make_message: Callable[..., Message]
) -> None:
    message = make_message(state=MessageState.SENT)
    await store.add_message(message)
    await store.put_post(message.key, message.post)
    assert await store.message(message.key) == message


async def test_a_post_that_came_while_another_was_sent_is_still_to_be_shown(
    store: RunStore, make_message: Callable[..., Message], now: datetime
) -> None:
    pending = make_message()
    await store.add_message(pending)
    sending = replace(pending, state=MessageState.SENDING)
    await store.save_message(sending)
    await store.put_post("card", TextPost("Training."))
    await store.save_message(replace(sending, state=MessageState.SENT, sent_at=now))
    stored = await store.message("card")
    assert stored is not None
    assert (stored.post, stored.is_dirty) == (TextPost("Training."), True)


async def test_an_edit_that_happened_cleans_and_one_that_was_throttled_does_not(
    store: RunStore, make_message: Callable[..., Message], now: datetime
) -> None:
    dirty = make_message(state=MessageState.SENT, sent_at=now, is_dirty=True)
    await store.add_message(dirty)
    await store.save_message(replace(dirty, not_before=now, attempts=1, is_dirty=True))
    assert await store.dirty_messages() == [replace(dirty, not_before=now, attempts=1)]
    await store.save_message(replace(dirty, edited_at=now))
    assert await store.dirty_messages() == []


async def test_a_message_that_goes_back_to_pending_sends_the_newest_post(
    store: RunStore, make_message: Callable[..., Message], now: datetime
) -> None:
    sending = make_message(state=MessageState.SENDING)
    await store.add_message(sending)
    await store.put_post("card", TextPost("Training."))
    await store.save_message(replace(sending, state=MessageState.PENDING, not_before=now))
    stored = await store.message("card")
    assert stored is not None
    assert (stored.post, stored.is_dirty) == (TextPost("Training."), False)


async def test_messages_are_found_by_what_their_thread_calls_them(
    store: RunStore, make_message: Callable[..., Message], thread: Thread
) -> None:
    message = make_message(activity_id="a-1", state=MessageState.SENT)
    await store.add_message(message)
    assert await store.message_shown_as(thread.id, "a-1") == message
    assert await store.message_shown_as("19:other", "a-1") is None


async def test_messages_come_oldest_first_filtered_and_limited(
    store: RunStore, make_message: Callable[..., Message]
) -> None:
    await store.add_message(make_message("new", age_s=1, run_id="r"))
    await store.add_message(make_message("old", age_s=9, run_id="r", state=MessageState.SENT))
    await store.add_message(make_message("same", age_s=1))
    assert [m.key for m in await store.messages()] == ["old", "new", "same"]
    assert [m.key for m in await store.messages(run_id="r")] == ["old", "new"]
    assert [m.key for m in await store.messages(states=[MessageState.PENDING])] == ["new", "same"]
    assert [m.key for m in await store.messages(limit=1)] == ["old"]


async def test_dirty_messages_come_in_the_order_of_their_last_showing(
    store: RunStore, make_message: Callable[..., Message], now: datetime
) -> None:
    shown = {"c": 1, "a": 3, "b": 2}
    for key, age_s in shown.items():
        at = now - timedelta(seconds=age_s)
        message = make_message(key, state=MessageState.SENT, sent_at=at, is_dirty=True)
        await store.add_message(message)
    await store.add_message(make_message("clean", state=MessageState.SENT))
    await store.add_message(make_message("dead", state=MessageState.DEAD, is_dirty=True))
    assert [m.key for m in await store.dirty_messages()] == ["a", "b", "c"]
    assert [m.key for m in await store.dirty_messages(limit=1)] == ["a"]


async def test_a_key_is_claimed_once_even_by_many_at_once(store: RunStore, now: datetime) -> None:
    claimed = await asyncio.gather(*(store.claim("activity-1", now) for _ in range(10)))
    assert sum(claimed) == 1
    assert await store.has_claim("activity-1")
    assert not await store.has_claim("activity-2")


async def test_old_claims_are_forgotten_and_new_ones_kept(store: RunStore, now: datetime) -> None:
    await store.claim("old", now - timedelta(days=2))
    await store.claim("new", now)
    assert await store.forget_claims(now - timedelta(days=1)) == 1
    assert [await store.has_claim(key) for key in ("old", "new")] == [False, True]


async def test_a_thread_is_new_once_and_then_refreshed(
    store: RunStore, thread: Thread, now: datetime
) -> None:
    assert await store.put_thread(thread, now) is True
    moved = replace(thread, service_url="http://127.0.0.1:2/")
    assert await store.put_thread(moved, now) is False
    assert await store.thread(thread.id) == moved


async def test_times_are_compared_across_zones(
    store: RunStore, make_run: Callable[..., Run]
) -> None:
    tokyo = timezone(timedelta(hours=9))
    early = datetime(2026, 11, 23, 18, 0, tzinfo=tokyo)
    late = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    await store.add_run(make_run("early", created_at=early), (), ())
    await store.add_run(make_run("late", created_at=late), (), ())
    page = await store.runs(RunQuery())
    assert [run.id for run in page.runs] == ["late", "early"]
    assert page.runs[1].created_at == early


async def test_a_healthy_store_checks_well(store: RunStore) -> None:
    await store.check()
