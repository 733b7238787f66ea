"""How a run is asked for in a conversation: the form, its faults, the plan and its start."""

import pytest

from bot.domain.posts import (
    FormPost,
    PlanPost,
)
from bot.domain.run import RunStatus


async def test_train_alone_shows_a_form_with_the_recipes_numbers(world):
    (post,) = await world.say("train")
    assert isinstance(post, FormPost)
    ids = [field.id for field in post.fields]
    assert ids[:4] == ["recipe", "name", "data", "budget"]
    assert {"steps", "lr"} <= set(ids)


async def test_a_full_sentence_skips_the_form(world):
    (post,) = await world.say("train tiny-sft lr=2e-4 steps=50")
    assert isinstance(post, PlanPost)
    differences = {d.place: (d.recipe, d.ours) for d in post.plan.differences}
    assert differences["optim.lr"][1] == 2e-4
    assert post.plan.steps == 50
    assert post.plan.parameters > 1_000_000


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("train tiny-sft lr=-1", "lr", "greater than 0"),
        ("train tiny-sft lr=nan", "lr", "finite"),
        ("train tiny-sft steps=abc", "steps", "valid integer"),
        ("train tiny-sft steps=99999999999", "steps", "less than or equal"),
        ("train tiny-sft name=Big!", "name", "lower-case letter"),
    ],
)
async def test_a_fault_comes_back_in_the_form_with_what_was_typed(world, text, field, hint):
    (post,) = await world.say(text)
    assert isinstance(post, FormPost)
    found = {f.id: f for f in post.fields}[field]
    assert hint in found.fault
    assert found.value == text.partition(f"{field}=")[2]


async def test_an_unknown_setting_is_named_with_the_nearest(world):
    (post,) = await world.say("train tiny-sft stepz=50")
    faults = " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])
    assert "did you mean `steps`" in faults


async def test_several_faults_are_named_at_once(world):
    (post,) = await world.say("train tiny-sft lr=-1 steps=0")
    assert {f.id for f in post.fields if f.fault} == {"lr", "steps"}


async def test_a_mistyped_recipe_gets_the_nearest(world):
    (post,) = await world.say("train tiny-stf")
    assert "did you mean `tiny-sft`" in post.text


async def test_a_form_submitted_twice_makes_one_draft(world):
    (form,) = await world.say("train")
    values = {f.id: f.value for f in form.fields}
    turn = world.turn(key=form.nonce, action={"action": "plan", "nonce": form.nonce, **values})
    first = await world.chat.handle(turn)
    again = await world.chat.handle(turn)
    assert first.replace.draft_id == again.replace.draft_id
    assert len(world.store._drafts) == 1


async def test_a_corrected_form_makes_another_draft_than_the_first(world):
    (form,) = await world.say("train")
    values = {f.id: f.value for f in form.fields}
    plans = [
        await world.chat.handle(
            world.turn(key=form.nonce, action={"action": "plan", **values, "steps": steps})
        )
        for steps in ("20", "30")
    ]
    assert [p.replace.plan.steps for p in plans] == [20, 30]


async def test_a_bad_form_stays_a_form(world):
    reply = await world.click(action="plan", recipe="tiny-sft", steps="-3", lr="1e-3")
    assert isinstance(reply.replace, FormPost)
    values = {f.id: (f.value, f.fault) for f in reply.replace.fields}
    assert values["steps"][0] == "-3"
    assert values["steps"][1]
    assert values["lr"] == ("1e-3", None)


async def test_change_brings_the_form_back_with_the_drafts_values(world):
    plan = await world.plan("train tiny-sft steps=33")
    reply = await world.click(action="change", draft=plan.draft_id)
    assert {f.id: f.value for f in reply.replace.fields}["steps"] == "33"


async def test_start_turns_the_plan_card_into_its_final_form(world):
    plan = await world.plan()
    reply = await world.click(action="start", draft=plan.draft_id)
    assert (reply.replace.state, reply.replace.started_by) == ("started", "Alex Wilber")


async def test_the_estimate_learns_from_runs_of_the_same_shape(world):
    await world.to_status(RunStatus.SUCCEEDED)
    plan = await world.plan()
    assert "earlier" in plan.plan.basis


async def test_anothers_nonce_does_not_show_anothers_plan(world):
    alex, megan, _ = await world.service.people()
    asked = {"recipe": "tiny-sft", "changes": {}, "nonce": "same-nonce", "thread": None}
    first = await world.service.draft(alex, **asked)
    second = await world.service.draft(megan, **asked)
    assert first.id != second.id
    assert (await world.service.draft(alex, **asked)).id == first.id


async def test_a_cost_limit_is_a_time_limit_too_that_the_trainer_keeps(world):
    plan = await world.plan("train tiny-sft budget=0.30")
    draft = await world.store.draft(plan.draft_id)
    assert draft.spec.budget.hours == 0.5  # 0.30 at 0.60 an hour
    assert (await _hours(world, "train tiny-sft budget=0.30 hours=0.1")) == 0.1


async def test_a_rerun_with_a_higher_cost_limit_gets_the_longer_time(world):
    await world.start("train tiny-sft budget=0.30")
    assert (await _hours(world, "rerun last budget=0.60")) == 1.0


async def _hours(world, text):
    plan = await world.plan(text)
    return (await world.store.draft(plan.draft_id)).spec.budget.hours
