"""Drafts and runs over HTTP, from the plan to the end."""

import pytest

UNKNOWN = "run-20260101-aaaaaa"


async def test_recipes_come_with_the_fields_of_their_form(site):
    body = await (await site.get("recipes")).json()
    tiny = next(recipe for recipe in body["recipes"] if recipe["name"] == "tiny-sft")
    assert tiny["spec"]["budget"]["steps"] == 230
    assert "steps" in {field["id"] for field in tiny["fields"]}


async def test_a_draft_shows_the_plan_and_spends_nothing(site):
    await site.sign_in("alex")
    draft = await site.draft(lr="2e-4")
    assert draft["spec"]["optim"]["lr"] == 2e-4
    assert draft["requester"]["name"] == "Alex Wilber"
    assert draft["plan"]["steps"] == 230
    assert draft["started"] is False
    assert (await (await site.get("runs")).json())["total"] == 0


async def test_the_same_nonce_returns_the_same_draft(site):
    await site.sign_in("alex")
    assert (await site.draft())["id"] == (await site.draft())["id"]


async def test_a_form_sent_again_after_the_start_says_that_it_was_started(site):
    run_id = await site.run("nonce-0001")
    await site.sign_in("alex")
    draft = await site.draft("nonce-0001")
    assert (draft["id"], draft["started"]) == (run_id, True)


async def test_every_fault_of_a_draft_names_the_field_as_sent(site):
    await site.sign_in("alex")
    wrong = {"recipe": "tiny-sft", "changes": {"lr": "-1", "stepz": 3}, "nonce": "nonce-0001"}
    body = await site.refused(await site.post("drafts", wrong), 422, "invalid_input")
    assert {error["loc"] for error in body["errors"]} == {"lr", "stepz"}


async def test_an_unknown_recipe_is_named(site):
    await site.sign_in("alex")
    wrong = {"recipe": "tiny-sfd", "nonce": "nonce-0001"}
    body = await site.refused(await site.post("drafts", wrong), 422, "invalid_input")
    assert "tiny-sft" in body["detail"]


async def test_a_draft_can_be_read_again_and_knows_that_it_was_started(site):
    run_id = await site.run()
    assert (await (await site.get(f"drafts/{run_id}")).json())["started"] is True


async def test_starting_twice_starts_one_run(site):
    await site.sign_in("alex")
    draft = await site.draft()
    first = await (await site.post(f"drafts/{draft['id']}/start")).json()
    again = await (await site.post(f"drafts/{draft['id']}/start")).json()
    assert first["run"]["id"] == again["run"]["id"] == draft["id"]
    assert (await (await site.get("runs")).json())["total"] == 1


async def test_somebody_elses_draft_cannot_be_started(site):
    await site.sign_in("alex")
    draft = await site.draft()
    await site.sign_in("megan")
    body = await site.refused(await site.post(f"drafts/{draft['id']}/start"), 403, "forbidden")
    assert "Alex Wilber" in body["detail"]


async def test_a_run_shows_its_spec_and_what_differs_from_the_recipe(site):
    run_id = await site.run(steps=9)
    body = await (await site.get(f"runs/{run_id}")).json()
    assert body["run"]["status"] == "queued"
    assert body["spec"]["budget"]["steps"] == 9
    assert body["recipe_spec"]["budget"]["steps"] == 230
    assert body["differences"] == [{"place": "budget.steps", "recipe": 230, "ours": 9}]
    assert body["spec_sha256"] == (await site.store.run(run_id)).spec_sha256


async def test_rights_follow_the_person_who_looks(site):
    run_id = await site.run()
    nobody = (await (await site.get(f"runs/{run_id}")).json())["rights"]
    await site.sign_in("alex")
    own = (await (await site.get(f"runs/{run_id}")).json())["rights"]
    assert nobody["cancel"]["allowed"] is False
    assert "pick who you are" in nobody["cancel"]["why"]
    assert own["cancel"] == {"allowed": True, "why": ""}
    assert nobody["promote"] == nobody["cancel"]
    assert own["promote"] == {"allowed": True, "why": ""}


async def test_the_requester_cancels_with_a_reason_that_the_audit_trail_keeps(site):
    run_id = await site.run()
    await site.sign_in("alex")
    answer = await site.post(f"runs/{run_id}/cancel", {"reason": "wrong data"})
    assert (await answer.json())["run"]["cancelled_by"] == "Alex Wilber"
    events = (await (await site.get(f"runs/{run_id}/activity")).json())["events"]
    assert any("wrong data" in event["text"] for event in events)
    assert {event["source"] for event in events if event["actor"]} == {"web"}


async def test_an_admin_cancels_but_another_researcher_may_not(site):
    await site.sign_in("nestor")
    draft = await site.draft()
    await site.post(f"drafts/{draft['id']}/start")
    await site.sign_in("alex")
    path = f"runs/{draft['id']}/cancel"
    body = await site.refused(await site.post(path), 403, "forbidden")
    assert "Nestor Wilke" in body["detail"]


async def test_approval_takes_another_person(site):
    run_id = await site.dear_run()
    await site.sign_in("alex")
    await site.refused(await site.post(f"runs/{run_id}/approve"), 403, "forbidden")
    await site.sign_in("megan")
    body = await (await site.post(f"runs/{run_id}/approve")).json()
    assert body["run"]["status"] == "queued"
    assert body["run"]["decided_by"] == "Megan Bowen"


async def test_the_key_of_an_approval_stays_on_its_card(site):
    run_id = await site.dear_run()
    key = (await site.store.run(run_id)).wish.approval.key
    assert (await (await site.get(f"runs/{run_id}")).json())["run"]["approval"]["key"] == ""
    for path in (f"runs/{run_id}", "runs"):
        assert key not in await (await site.get(path)).text()


async def test_rejecting_needs_a_reason(site):
    run_id = await site.dear_run()
    await site.sign_in("megan")
    refused = await site.post(f"runs/{run_id}/reject", {"reason": " "})
    body = await site.refused(refused, 422, "invalid_input")
    assert body["errors"][0]["loc"] == "reason"
    done = await site.post(f"runs/{run_id}/reject", {"reason": "too dear"})
    assert (await done.json())["run"]["decision_reason"] == "too dear"


async def test_deciding_what_is_decided_says_who_was_faster(site):
    run_id = await site.dear_run()
    await site.sign_in("megan")
    await site.post(f"runs/{run_id}/approve")
    await site.sign_in("nestor")
    answer = await site.post(f"runs/{run_id}/reject", {"reason": "no"})
    assert "Megan Bowen" in (await answer.json())["detail"]


async def test_a_rerun_is_a_draft_with_the_same_spec(site):
    run_id = await site.run(steps=9)
    await site.sign_in("megan")
    draft = await (await site.post(f"runs/{run_id}/rerun", {"nonce": "nonce-0002"})).json()
    assert draft["id"] != run_id
    assert draft["spec"]["budget"]["steps"] == 9
    assert draft["requester"]["name"] == "Megan Bowen"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/metrics",
        "/log",
        "/log/search?q=a",
        "/log.txt",
        "/results",
        "/results/model/a",
        "/activity",
    ],
)
async def test_reading_an_unknown_run_is_not_found(site, path):
    body = await site.refused(await site.get(f"runs/{UNKNOWN}{path}"), 404, "not_found")
    assert UNKNOWN in body["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"runs/{UNKNOWN}/cancel", {}),
        (f"runs/{UNKNOWN}/approve", {}),
        (f"runs/{UNKNOWN}/reject", {"reason": "no"}),
        (f"runs/{UNKNOWN}/rerun", {"nonce": "nonce-0001"}),
        (f"drafts/{UNKNOWN}/start", {}),
    ],
)
async def test_acting_on_an_unknown_run_is_not_found(site, path, body):
    await site.sign_in("nestor")
    await site.refused(await site.post(path, body), 404, "not_found")


async def test_an_unknown_draft_is_not_found(site):
    await site.refused(await site.get(f"drafts/{UNKNOWN}"), 404, "not_found")


async def test_the_list_pages_through_every_run_once_newest_first(site):
    ids = [await site.run(f"nonce-000{n}", name=f"run{n}") for n in range(5)]
    seen, cursor = [], None
    while True:
        options = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = await (await site.get("runs", params=options)).json()
        assert page["total"] == 5
        seen += [run["id"] for run in page["runs"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=awaiting_approval", ["dear"]),
        ("status=queued&status=failed", ["cheap"]),
        ("status=queued,awaiting_approval", ["dear", "cheap"]),
        ("q=chea", ["cheap"]),
        ("recipe=tiny-sft", ["dear", "cheap"]),
        ("recipe=other", []),
        ("person=00000000-0000-0000-0000-0000000000a1", ["dear", "cheap"]),
        ("person=00000000-0000-0000-0000-0000000000a2", []),
    ],
)
async def test_the_list_is_filtered(site, query, names):
    await site.run("nonce-0001", name="cheap")
    await site.run("nonce-0002", name="dear", steps=160_000)
    body = await (await site.get(f"runs?{query}")).json()
    assert [run["name"] for run in body["runs"]] == names
    assert body["total"] == len(names)


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("status=asleep", "status.0"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=%21%21", "cursor"),
        ("colour=red", "colour"),
        ("q=", "q"),
        ("q=%00", "q"),
    ],
)
async def test_a_query_that_cannot_be_used_names_the_parameter(site, query, loc):
    body = await site.refused(await site.get(f"runs?{query}"), 422, "invalid_input")
    assert [error["loc"] for error in body["errors"]] == [loc]
