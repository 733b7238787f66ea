"""What the channel delivers twice happens once, through gateway, core, outbox and channel."""

import pytest

from bot.teams.console.room import button, session


@pytest.fixture
async def teams(whole, activity, connector):
    """Return a poster of activities whose conversation is at the loopback connector."""
    async with session() as http:

        async def post(**changes):
            raw = activity(serviceUrl=connector.url, **changes)
            async with http.post(f"{whole.url}/api/messages", json=raw) as response:
                assert response.status == 200
                return await response.json() if await response.read() else None

        yield post


def click(data, **changes):
    action = {"type": "Action.Execute", "verb": data["action"], "data": dict(data)}
    value = {"action": action, "trigger": "manual"}
    name = "adaptiveCard/action"
    return {"type": "invoke", "name": name, "text": None, "value": value} | changes


async def test_a_message_delivered_twice_is_answered_once(teams, whole, world):
    for _ in range(2):
        await teams(text="train tiny-sft")
    await whole.settled(1)
    assert len(await world.store.messages()) == 1


async def test_a_form_submitted_twice_makes_one_draft(teams, whole, world, connector):
    await teams(text="train")
    (form,) = await whole.settled(1)
    data = button(connector.taken[0][2]["attachments"][0]["content"], "plan")
    filled = {**data, "recipe": "tiny-sft", "steps": "50"}
    for number in "12":
        await teams(**click(filled, id=f"f:{number}", replyToId=form.activity_id))
    (plan,) = await whole.settled(1)
    assert plan.post.kind == "plan"
    assert len(world.store._drafts) == 1


async def test_a_start_delivered_again_with_a_new_id_starts_one_run(teams, whole, world):
    await teams(text="train tiny-sft")
    (plan,) = await whole.settled(1)
    start = {"action": "start", "draft": plan.post.draft_id}
    answers = [
        await teams(**click(start, id=f"f:{number}", replyToId=plan.activity_id)) for number in "12"
    ]
    assert answers[0]["statusCode"] == answers[1]["statusCode"] == 200
    assert [run.id for run in await world.store.unfinished()] == [plan.post.draft_id]
    assert len(await world.story(plan.post.draft_id)) == 1


async def test_a_corrected_form_is_heard_although_its_nonce_is_old(teams, whole, connector):
    await teams(text="train")
    (form,) = await whole.settled(1)
    data = button(connector.taken[0][2]["attachments"][0]["content"], "plan")
    for number, steps in enumerate(("-1", "50")):
        filled = {**data, "recipe": "tiny-sft", "steps": steps}
        await teams(**click(filled, id=f"f:{number}", replyToId=form.activity_id))
    (card,) = await whole.settled(1)
    assert card.post.kind == "plan"
