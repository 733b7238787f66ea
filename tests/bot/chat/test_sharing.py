"""What a message extension offers: the runs that `runs` lists, to people whom the bot knows."""

import pytest

from bot.chat.sharing import Sharing
from bot.domain.people import Actor
from bot.errors import ForbiddenError, NotFoundError

ALEX = Actor("id-alex", "tenant-1", "Alex Wilber")
MEGAN = Actor("id-megan", "tenant-1", "Megan Bowen")
STRANGER = Actor("id-alex", "another-tenant", "Alex Wilber")


@pytest.mark.parametrize("text", ["", "mine", "tiny-sft", "mine running"])
async def test_a_search_reads_what_one_types_after_runs(world, text):
    run = await world.start("train tiny-sft", "alex")
    assert [one.id for one in await Sharing(world.service).matching(ALEX, text)] == [run.id]


@pytest.mark.parametrize("text", ["failed", "tiny-pretrain", "nothing-like-it", '"tiny'])
async def test_a_search_leaves_out_what_does_not_match(world, text):
    await world.start("train tiny-sft", "alex")
    assert await Sharing(world.service).matching(ALEX, text) == ()


async def test_mine_are_not_somebody_elses(world):
    await world.start("train tiny-sft", "alex")
    assert await Sharing(world.service).matching(MEGAN, "mine") == ()


async def test_a_stranger_is_shown_nothing(world):
    run = await world.start("train tiny-sft", "alex")
    sharing = Sharing(world.service)
    with pytest.raises(ForbiddenError, match="do not know you"):
        await sharing.matching(STRANGER, "")
    with pytest.raises(ForbiddenError, match="do not know you"):
        await sharing.one(STRANGER, run.id)


async def test_a_link_shows_the_run_as_it_is_now(world):
    run = await world.start("train tiny-sft", "alex")
    assert (await Sharing(world.service).one(MEGAN, run.id)).id == run.id


async def test_a_link_to_no_run_is_refused(world):
    with pytest.raises(NotFoundError, match="There is no run"):
        await Sharing(world.service).one(ALEX, "run-20260101-aaaaaa")
