"""The console against a whole bot: gateway, core, outbox and channel, over loopback."""

import asyncio
import io
import threading

import aiohttp
import pytest

from bot.domain.people import Person, Role
from bot.domain.posts import AlertPost, FormField, FormPost, RunPost, TextPost
from bot.domain.run import RunStatus
from bot.errors import DiskFullError, ForbiddenError, InputError, SetupError, UnavailableError
from bot.teams.console import main
from bot.teams.console.main import who
from bot.teams.console.prompt import converse
from bot.teams.console.room import Heard, Room, button, session
from bot.teams.console.screen import Screen
from bot.teams.console.talk import Exit, Talk, exit_of, is_refusal
from tests.bot.conftest import ALEX, MEGAN

STRANGER = Person("id-x", "tenant-1", "Nobody Known", Role.RESEARCHER)


async def the_run(world):
    """Wait until somebody has started a run, and return it."""
    async with asyncio.timeout(10):
        while not (runs := await world.store.unfinished()):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)
    return runs[0]


async def test_an_answer_is_printed_as_text(whole):
    assert await whole.ask("whoami") is Exit.DONE
    assert "You are Alex Wilber" in whole.said()


async def test_a_mistyped_word_is_refused_by_exit_code_and_sentence(whole):
    assert await whole.ask("trian tiny-sft") is Exit.REFUSED
    assert "train" in whole.said()


async def test_an_unknown_person_is_refused(whole):
    assert await whole.ask("train tiny-sft", STRANGER) is Exit.REFUSED


async def test_a_form_is_printed_with_the_keys_that_can_be_given(whole):
    assert await whole.ask("train") is Exit.DONE
    assert "Keys: name, data, budget" in whole.said()


async def test_a_form_that_names_a_fault_is_a_refusal(whole):
    assert await whole.ask("train tiny-sft steps=-1") is Exit.REFUSED


async def test_a_plan_alone_starts_nothing(whole, world):
    assert await whole.ask("train tiny-sft") is Exit.DONE
    assert "Plan:" in whole.said()
    assert await world.store.unfinished() == []


async def test_start_presses_the_button_of_the_plan_card(whole, world):
    assert await whole.ask("train tiny-sft", start=True) is Exit.DONE
    (run,) = await world.store.unfinished()
    assert run.requester.id == "id-alex"
    assert run.id in whole.said()


async def test_start_without_a_plan_is_refused(whole, world):
    assert await whole.ask("help", start=True) is Exit.REFUSED
    assert await world.store.unfinished() == []


async def test_a_start_that_is_refused_ends_at_once_with_its_reason(whole, world):
    async def refuse(*_):
        raise ForbiddenError("Ask an admin.")

    world.service.start = refuse
    async with asyncio.timeout(10):
        assert await whole.ask("train tiny-sft", start=True, wait=True) is Exit.REFUSED
    assert "Ask an admin." in whole.said()


async def test_a_start_that_meets_a_full_disk_is_an_error_with_a_sentence(whole, world):
    async def fail(*_):
        world.store.fail_next(DiskFullError("No space is left."))
        await world.store.check()

    handle = world.chat.handle

    async def broken(turn):
        return await (fail() if turn.action else handle(turn))

    world.chat.handle = broken
    with pytest.raises(InputError, match="No space"):
        await whole.ask("train tiny-sft", start=True)


async def test_wait_ends_with_the_alert_of_a_run_that_succeeded(whole, world):
    asking = asyncio.create_task(whole.ask("train tiny-sft", start=True, wait=True))
    run = await the_run(world)
    await world.finish(await world.to_training(run))
    async with asyncio.timeout(10):
        assert await asking is Exit.DONE
    assert "@Alex Wilber" in whole.said()


async def test_wait_says_by_its_exit_code_that_a_run_was_cancelled(whole, world):
    asking = asyncio.create_task(whole.ask("train tiny-sft", start=True, wait=True))
    run = await the_run(world)
    await whole.ask("cancel last")
    await world.sweep(2)
    async with asyncio.timeout(10):
        assert await asking is Exit.NOT_SUCCEEDED
    assert (await world.run(run.id)).status is RunStatus.CANCELLED


async def test_wait_ends_where_somebody_else_must_agree(whole):
    async with asyncio.timeout(10):
        code = await whole.ask("train tiny-sft steps=800000", start=True, wait=True)
    assert code is Exit.WAITS_FOR_APPROVAL


async def test_wait_gives_up_after_its_timeout_and_leaves_the_run(whole, world):
    code = await whole.ask("train tiny-sft", start=True, wait=True, timeout_s=0.3)
    assert code is Exit.NOT_SUCCEEDED
    assert "the run goes on" in whole.said()
    assert len(await world.store.unfinished()) == 1


async def test_waiting_for_a_run_that_has_ended_already_ends_at_once(whole, world):
    await world.to_status(RunStatus.SUCCEEDED)
    async with asyncio.timeout(10):
        assert await whole.ask("status last", wait=True) is Exit.DONE


async def test_a_later_console_is_the_same_conversation_and_hears_what_it_missed(whole, world):
    assert await whole.ask("train tiny-sft", start=True) is Exit.DONE
    run = await the_run(world)
    await world.finish(await world.to_training(run))
    await whole.tried(f"{run.id}/alert/console:id-alex")  # nobody is at the old address
    await whole.ask("runs")
    assert "@Alex Wilber" in whole.said()


async def test_two_people_have_two_conversations(whole, world):
    await whole.ask("whoami", ALEX)
    await whole.ask("whoami", MEGAN)
    names = {m.thread.id for m in await world.store.messages()}
    assert names == {"console:id-alex", "console:id-megan"}


async def test_a_bot_that_does_not_run_is_named_with_the_command_that_starts_it(free_port):
    async with aiohttp.ClientSession() as http:
        room = Room(ALEX, f"http://127.0.0.1:{free_port()}", http)
        with pytest.raises(UnavailableError, match="python -m bot serve"):
            await room.say("help")


def test_the_command_ends_with_2_where_no_bot_runs(free_port, capsys):
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["help"], people=[ALEX], url=url) == 2
    assert "python -m bot serve" in capsys.readouterr().err


def test_an_unknown_name_is_refused_with_the_names_that_are_known(capsys):
    assert main(["help", "--as", "ada"], people=[ALEX, MEGAN]) == 2
    assert "Alex Wilber, Megan Bowen" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["Megan Bowen", "megan bowen", "megan", "id-megan", "ID-MEGAN"])
def test_a_person_is_found_by_name_first_name_or_id(wanted):
    assert who([ALEX, MEGAN], wanted) is MEGAN


def test_without_a_name_the_first_researcher_speaks():
    assert who([MEGAN, ALEX], None) is ALEX


def test_two_people_of_one_first_name_must_be_told_apart():
    other = Person("id-2", "tenant-1", "Megan Wilke", Role.ADMIN)
    with pytest.raises(InputError):
        who([MEGAN, other], "megan")


def test_an_empty_people_file_is_named():
    with pytest.raises(SetupError, match="KRSP_PEOPLE_FILE"):
        who([], None)


async def test_the_prompt_says_each_line_and_shows_each_answer(whole):
    typed = io.StringIO("whoami\n\nruns\n")
    async with session() as http, Room(ALEX, whole.url, http).opened() as room:
        screen = Screen(whole.screen)
        assert await converse(room, screen, Talk(room, screen), typed) == 0
    assert "You are Alex Wilber" in whole.said()
    assert "There are no runs yet" in whole.said()


async def test_at_the_prompt_start_presses_the_newest_plan(whole, world):
    planned, started = threading.Event(), threading.Event()

    def typed():
        yield "train tiny-sft"
        assert planned.wait(10)
        yield "start"
        assert started.wait(10)

    async def watch():
        while "Plan:" not in whole.said():  # noqa: ASYNC110 - the screen announces nothing
            await asyncio.sleep(0.01)
        planned.set()
        await the_run(world)
        started.set()

    async with session() as http, Room(ALEX, whole.url, http).opened() as room:
        screen = Screen(whole.screen)
        watching = asyncio.create_task(watch())
        await converse(room, screen, Talk(room, screen), typed())
        await watching
    (run,) = await world.store.unfinished()
    assert run.requester.id == ALEX.id


async def test_at_the_prompt_a_bot_that_is_gone_is_a_sentence_and_no_end(whole):
    url = whole.url
    await whole.server.close()
    async with session() as http, Room(ALEX, url, http).opened() as room:
        screen = Screen(whole.screen)
        assert await converse(room, screen, Talk(room, screen), io.StringIO("help\n")) == 0
    assert "python -m bot serve" in whole.said()


def heard(post, text, *, name="1", is_edit=False):
    return Heard(name, text, post, {}, is_edit)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_of_a_training_run_come_seldom_in_a_pipe(view):
    out = io.StringIO()
    screen = Screen(out)
    screen.show(heard(RunPost(view()), "card"), 0.0)
    for step in range(2, 102):
        screen.show(heard(RunPost(view(step=step)), "card", is_edit=True), step * 0.1)
    lines = [line for line in out.getvalue().splitlines() if "step" in line]
    assert 1 <= len(lines) <= 4


def test_a_new_status_is_printed_at_once(view):
    out = io.StringIO()
    screen = Screen(out)
    screen.show(heard(RunPost(view()), "card"), 0.0)
    evaluating = view(RunStatus.EVALUATING, headline="It is measured.")
    screen.show(heard(RunPost(evaluating), "card", is_edit=True), 0.1)
    assert "It is measured." in out.getvalue()


def test_the_same_line_is_not_printed_twice(view):
    out = io.StringIO()
    screen = Screen(out)
    for moment in range(0, 50, 10):
        screen.show(heard(RunPost(view()), "card", is_edit=moment > 0), moment)
    assert out.getvalue() == "card\n\n"


def test_on_a_terminal_a_runs_line_is_redrawn_in_place(view):
    out = Terminal()
    screen = Screen(out)
    screen.show(heard(RunPost(view()), "card"), 0.0)
    for step in (2, 3):
        screen.show(heard(RunPost(view(step=step)), "card", is_edit=True), step * 0.1)
    screen.show(heard(AlertPost(view(RunStatus.SUCCEEDED), "id-alex", "Alex"), "done", name="2"), 1)
    assert out.getvalue().count("\r\x1b[K") == 2
    assert out.getvalue().endswith("\ndone\n\n")


def test_of_an_edited_card_only_what_changed_is_printed():
    out = io.StringIO()
    screen = Screen(out)
    screen.show(heard(TextPost("x"), "one\ntwo"), 0.0)
    screen.show(heard(TextPost("y"), "one\nthree", is_edit=True), 0.1)
    assert out.getvalue() == "one\ntwo\n\nthree\n\n"


def test_an_edit_of_an_earlier_consoles_card_is_not_printed(view):
    out = io.StringIO()
    screen = Screen(out)
    screen.show(heard(TextPost("x"), "old", is_edit=True), 0.0)
    screen.show(heard(RunPost(view()), "old run", is_edit=True), 0.0)
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (RunStatus.SUCCEEDED, Exit.DONE),
        (RunStatus.AWAITING_APPROVAL, Exit.WAITS_FOR_APPROVAL),
        (RunStatus.FAILED, Exit.NOT_SUCCEEDED),
        (RunStatus.CANCELLED, Exit.NOT_SUCCEEDED),
        (RunStatus.REJECTED, Exit.NOT_SUCCEEDED),
        (RunStatus.EXPIRED, Exit.NOT_SUCCEEDED),
    ],
)
def test_only_success_is_exit_code_0(status, code):
    assert exit_of(status) is code


def test_a_warning_or_a_fault_is_a_refusal():
    field = FormField("steps", "Steps", "-1", fault="too few")
    form = FormPost("n", "tiny-sft", "Tiny", "", (field,))
    assert is_refusal(TextPost("no", "warning"))
    assert is_refusal(form)
    assert not is_refusal(TextPost("yes", "good"))


def test_a_button_is_found_wherever_the_card_holds_it():
    execute = {"type": "Action.Execute", "data": {"action": "reject", "run": "r"}}
    card = {"actions": [{"type": "Action.ShowCard", "card": {"actions": [execute]}}]}
    assert button(card, "reject") == {"action": "reject", "run": "r"}
    assert button(card, "start") is None
