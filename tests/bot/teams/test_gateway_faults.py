"""Each fault of the archived SDK, by the request that shows it."""

import json
import logging

import pytest

from bot.chat.turn import Reply
from bot.domain.posts import TextPost
from bot.errors import SetupError
from bot.teams.authentication import AppIdentity, LoopbackOnly


async def test_an_execute_is_answered_with_its_card_as_json(bot, invoke):
    bot.ears.reply = Reply(replace=TextPost("started"))
    status, body = await bot.post(invoke({"action": "start", "draft": "run-1"}))
    assert status == 200
    assert body["statusCode"] == 200
    assert body["type"] == "application/vnd.microsoft.card.adaptive"
    assert body["value"]["body"][0]["text"] == "started"


@pytest.mark.parametrize(
    ("body", "word"),
    [(b"{", "JSON"), (b"[]", "object"), (b"", "JSON"), (b"{}", "type"), (b'{"type": 1}', "type")],
)
async def test_a_body_that_is_no_activity_is_a_bad_request(bot, body, word):
    status, problem = await bot.post_raw(body, **{"Content-Type": "application/json"})
    assert status == 400
    assert problem["code"] == "malformed"
    assert word in problem["detail"]


async def test_a_request_without_content_type_is_unsupported(bot, activity):
    status, _ = await bot.post_raw(json.dumps(activity()).encode())
    assert status == 415


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "json"])
async def test_a_body_of_another_type_is_unsupported(bot, activity, kind):
    status, _ = await bot.post_raw(json.dumps(activity()).encode(), **{"Content-Type": kind})
    assert status == 415


async def test_a_charset_in_the_content_type_is_fine(bot, activity):
    kind = {"Content-Type": "application/json; charset=utf-8"}
    status, _ = await bot.post_raw(json.dumps(activity()).encode(), **kind)
    assert status == 200


@pytest.mark.parametrize("missing", ["serviceUrl", "channelId"])
async def test_an_activity_of_unknown_origin_is_forbidden(bot, activity, missing):
    status, _ = await bot.post(activity(**{missing: None}))
    assert status == 403
    assert bot.ears.turns == []


async def test_without_sign_in_a_conversation_elsewhere_is_forbidden(bot, activity):
    status, _ = await bot.post(activity(serviceUrl="https://smba.trafficmanager.net/amer/"))
    assert status == 403
    assert bot.ears.turns == []


@pytest.mark.parametrize(
    "change",
    [
        {"channelData": {"tenant": {"id": "tenant-2"}}},
        {"conversation": {"id": "a:alex", "tenantId": "tenant-2"}},
        {"conversation": {"id": "a:alex"}, "channelData": None},
    ],
)
async def test_a_stranger_tenant_is_forbidden(bot, activity, change):
    status, _ = await bot.post(activity(**change))
    assert status == 403
    assert bot.ears.turns == []


async def test_no_allowed_tenant_means_nobody(make_bot, activity):
    async with make_bot(tenants=frozenset()) as bot:
        status, _ = await bot.post(activity())
    assert status == 403


async def test_a_stranger_tenant_cannot_click_either(bot, invoke):
    change = {"channelData": {"tenant": {"id": "tenant-2"}}}
    status, _ = await bot.post(invoke({"action": "start"}, **change))
    assert status == 403
    assert bot.ears.turns == []


async def test_a_body_that_is_too_big_is_refused_before_it_is_read(bot, activity):
    status, _ = await bot.post(activity(text="x" * (257 * 1024)))
    assert status == 413
    assert bot.ears.turns == []


async def test_a_message_without_text_is_taken(bot, activity):
    entity = {"type": "mention", "text": "<at>KRSP</at>", "mentioned": {"id": "28:bot"}}
    status, _ = await bot.post(activity(text=None, entities=[entity]))
    assert status == 200
    assert bot.ears.turns[0].text == ""


async def test_fields_that_no_model_knows_do_no_harm(bot, activity):
    odd = {"timestamp": "yesterday", "attachments": {"a": 1}, "entities": 5, "membersAdded": "x"}
    status, _ = await bot.post(activity(**odd, cci_bot_id="x"))
    assert status == 200
    assert bot.ears.turns[0].text == "status"


async def test_the_tenant_reaches_the_stored_conversation(bot, activity):
    await bot.post(activity())
    assert bot.ears.turns[0].thread.tenant == "tenant-1"
    assert bot.ears.turns[0].actor.tenant == "tenant-1"


@pytest.mark.parametrize(
    "name", ["task/fetch", "composeExtension/query", "signin/verifyState", None]
)
async def test_an_invoke_that_is_not_ours_is_not_implemented(bot, activity, name):
    status, body = await bot.post(activity(type="invoke", name=name, text=None, value={}))
    assert (status, body) == (501, None)


@pytest.mark.parametrize("kind", ["messageUpdate", "messageReaction", "typing", "event", "new-one"])
async def test_an_activity_that_needs_nothing_is_taken_in_silence(bot, activity, kind):
    status, body = await bot.post(activity(type=kind))
    assert (status, body) == (200, None)
    assert bot.ears.turns == []


async def test_other_methods_are_not_served(bot):
    async with bot.http.get(f"{bot.url}/api/messages") as response:
        assert response.status == 405


@pytest.mark.parametrize("host", ["10.0.0.1", "", "192.168.1.7", "::", "example.org"])
def test_without_sign_in_the_bot_does_not_listen_beyond_this_machine(host):
    with pytest.raises(SetupError, match=r"127\.0\.0\.1"):
        LoopbackOnly(host)


@pytest.mark.parametrize("kind", ["SingleTenant", "UserAssignedMSI"])
def test_the_two_kinds_of_registration_are_taken(kind):
    assert AppIdentity(kind, "app", "tenant").app_type == kind


def test_everything_wrong_with_a_registration_is_said_at_once():
    with pytest.raises(SetupError) as caught:
        AppIdentity("MultiTenant", "", "")
    assert "SingleTenant or UserAssignedMSI" in str(caught.value)
    assert "app id" in str(caught.value)
    assert "tenant id" in str(caught.value)


async def test_neither_message_nor_token_nor_trace_is_logged(make_bot, activity, caplog):
    caplog.set_level(logging.DEBUG)
    async with make_bot() as bot:
        bot.ears.error = RuntimeError("secret-in-error")
        await bot.post(activity(text="secret-text"), Authorization="Bearer secret-token")
        await bot.post_raw(b'{"secret-json', **{"Content-Type": "application/json"})
    assert caplog.records
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
