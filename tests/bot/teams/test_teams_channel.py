"""Sending and editing over a real connector on loopback, and what each of its answers means."""

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import web

from bot.adapters.clock import ManualClock
from bot.cards.card import Card
from bot.domain.people import ThreadKind
from bot.domain.posts import AlertPost, LogsPost, RunPost, TextPost
from bot.domain.run import RunStatus
from bot.domain.view import Diagnosis
from bot.errors import (
    DeliveryUnknownError,
    InputError,
    ThreadGoneError,
    ThrottledError,
)
from bot.teams.channel import TeamsChannel
from bot.teams.posting import Draw, fitted, outgoing, size
from bot.teams.tokens import AppTokens

HELLO = TextPost("hello")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def channel(around, clock):
    made = TeamsChannel(around.draw, clock, timeout_s=0.5, jitter=lambda: 0.0)
    yield made
    await made.close()


def stall(connector):
    """Let the connector take the next request and never answer it."""

    async def answer(_request):
        await asyncio.Event().wait()

    connector.answers.append(answer)


def hang_up(connector):
    """Let the connector drop the connection instead of answering."""

    async def answer(request):
        request.transport.close()
        return web.Response()

    connector.answers.append(answer)


async def test_a_message_goes_to_its_conversation_and_gives_back_the_id(channel, connector):
    name = await channel.send(connector.thread(), HELLO)
    (method, path, body) = connector.taken[0]
    assert name == "activity-1"
    assert (method, path) == ("POST", "/teams/v3/conversations/a%3Aalex/activities")
    assert body["type"] == "message"
    assert "replyToId" not in body


async def test_a_card_goes_alone_with_a_summary_for_the_toast(channel, connector):
    await channel.send(connector.thread(), HELLO)
    body = connector.taken[0][2]
    assert body["summary"] == "hello"
    assert "text" not in body
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"


async def test_a_reply_to_a_channel_thread_names_its_root_in_the_address(channel, connector):
    thread = connector.thread("19:x@thread.tacv2;messageid=17", kind=ThreadKind.CHANNEL)
    await channel.send(thread, HELLO)
    assert "19%3Ax%40thread.tacv2%3Bmessageid%3D17/activities" in connector.taken[0][1]


async def test_an_edit_replaces_the_message_by_its_id(channel, connector):
    await channel.edit(connector.thread(), "1:abc/d", HELLO)
    (method, path, body) = connector.taken[0]
    assert method == "PUT"
    assert path.endswith("/activities/1%3Aabc%2Fd")
    assert body["id"] == "1:abc/d"


async def test_the_console_also_gets_text_and_values(channel, connector):
    await channel.send(connector.thread(kind=ThreadKind.CONSOLE), HELLO)
    body = connector.taken[0][2]
    assert body["text"] == "hello"
    assert body["channelData"]["post"]["kind"] == "text"


async def test_many_messages_share_one_connection(channel, connector):
    for _ in range(5):
        await channel.send(connector.thread(), HELLO)
    assert len(connector.connections) == 1


async def test_a_message_that_was_taken_without_an_id_has_an_empty_one(channel, connector):
    connector.refuse(202)
    assert await channel.send(connector.thread(), HELLO) == ""


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, None, ThrottledError),
        (412, None, ThrottledError),
        (401, None, ThrottledError),
        (403, {"error": {"code": "BotNotInConversationRoster"}}, ThreadGoneError),
        (403, {"error": {"code": "BotDisabledByAdmin"}}, ThreadGoneError),
        (403, {"error": {"code": "ConversationBlockedByUser"}}, ThreadGoneError),
        (403, {"message": json.dumps({"subCode": "MessageWritesBlocked"})}, ThreadGoneError),
        (403, json.dumps({"error": {"code": "BotDisabledByAdmin"}}), ThreadGoneError),
        (404, {"error": {"code": "ConversationNotFound"}}, ThreadGoneError),
        (403, {"error": {"code": "Forbidden"}}, DeliveryUnknownError),
        (403, "BotDisabledByAdmin in a sentence", DeliveryUnknownError),
        (404, {"error": {"code": "ServiceNotFound"}}, DeliveryUnknownError),
        (400, {"error": {"code": "BadSyntax"}}, DeliveryUnknownError),
        (413, None, DeliveryUnknownError),
        (500, None, DeliveryUnknownError),
        (502, None, DeliveryUnknownError),
        (504, None, DeliveryUnknownError),
    ],
)
async def test_a_refused_post_means(channel, connector, status, body, error):
    connector.refuse(status, body)
    with pytest.raises(error):
        await channel.send(connector.thread(), HELLO)
    assert connector.taken == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (412, ThrottledError),
        (429, ThrottledError),
        (500, ThrottledError),
        (502, ThrottledError),
        (504, ThrottledError),
        (404, DeliveryUnknownError),
        (400, DeliveryUnknownError),
    ],
)
async def test_a_refused_edit_means(channel, connector, status, error):
    connector.refuse(status)
    with pytest.raises(error):
        await channel.edit(connector.thread(), "1", HELLO)


@pytest.mark.parametrize(("header", "wait_s"), [("7", 7), ("0", 0), ("soon", 5), ("99999", 3600)])
async def test_the_wait_that_the_channel_asks_for_is_kept(channel, connector, header, wait_s):
    connector.refuse(429, **{"Retry-After": header})
    with pytest.raises(ThrottledError) as caught:
        await channel.send(connector.thread(), HELLO)
    assert caught.value.retry_after_s == wait_s


async def test_the_wait_may_be_said_as_a_date(channel, connector):
    connector.refuse(429, **{"Retry-After": "Mon, 05 Jan 2026 09:00:30 GMT"})  # clock: 09:00:00
    with pytest.raises(ThrottledError) as caught:
        await channel.send(connector.thread(), HELLO)
    assert caught.value.retry_after_s == 30


async def test_messages_held_back_together_do_not_return_together(around, connector, clock):
    channel = TeamsChannel(around.draw, clock, jitter=lambda: 1.0)
    connector.refuse(429, **{"Retry-After": "10"})
    with pytest.raises(ThrottledError) as caught:
        await channel.send(connector.thread(), HELLO)
    await channel.close()
    assert caught.value.retry_after_s == 15


async def test_a_refused_connection_means_that_nothing_was_sent(channel, connector, free_port):
    thread = replace(connector.thread(), service_url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ThrottledError):
        await channel.send(thread, HELLO)


@pytest.mark.parametrize("fail", [stall, hang_up])
async def test_a_post_without_an_answer_is_unknown(channel, connector, fail):
    fail(connector)
    with pytest.raises(DeliveryUnknownError):
        await channel.send(connector.thread(), HELLO)


async def test_an_edit_without_an_answer_may_be_tried_again(channel, connector):
    stall(connector)
    with pytest.raises(ThrottledError):
        await channel.edit(connector.thread(), "1", HELLO)


async def test_a_post_is_never_repeated_by_the_channel_itself(channel, connector):
    connector.refuse(502)
    with pytest.raises(DeliveryUnknownError):
        await channel.send(connector.thread(), HELLO)
    assert len(connector.headers) == 1


async def test_no_more_than_seven_messages_go_within_a_second(channel, connector, clock):
    for _ in range(8):
        await channel.send(connector.thread(), HELLO)
    assert clock.slept == [1.0]


async def test_limits_are_kept_for_each_conversation_apart(channel, connector, clock):
    for number in range(10):
        await channel.send(connector.thread(f"a:{number}"), HELLO)
    assert clock.slept == []


async def test_a_tenant_hears_at_most_fifty_messages_a_second(channel, connector, clock):
    for number in range(51):
        await channel.send(connector.thread(f"a:{number}"), HELLO)
    assert clock.slept == [1.0]


async def test_a_long_wait_is_left_to_the_outbox(channel, connector, clock):
    for _ in range(60):
        await channel.send(connector.thread(), HELLO)
    with pytest.raises(ThrottledError) as caught:
        await channel.send(connector.thread(), HELLO)
    assert 5 < caught.value.retry_after_s <= 30


async def test_one_conversation_hears_one_message_at_a_time(channel, connector):
    running, most = 0, 0

    async def answer(_request):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return web.json_response({"id": "1"}, status=201)

    connector.answers.extend([answer] * 5)
    await asyncio.gather(*(channel.send(connector.thread(), HELLO) for _ in range(5)))
    assert most == 1


async def test_without_sign_in_nothing_is_sent_beyond_this_machine(channel, connector):
    thread = replace(connector.thread(), service_url="https://smba.example/")
    with pytest.raises(ThreadGoneError, match="this machine"):
        await channel.send(thread, HELLO)


class Token:
    def __init__(self, token, expires_on):
        self.token, self.expires_on = token, expires_on


class Credential:
    """An identity that hands out numbered tokens for an hour each."""

    def __init__(self, clock):
        self.clock, self.asked, self.error, self.stalls = clock, [], None, False

    async def get_token(self, *scopes):
        self.asked.append(scopes)
        if self.stalls:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return Token(f"token-{len(self.asked)}", int(self.clock.now().timestamp()) + 3600)


@pytest.fixture
def credential(clock):
    return Credential(clock)


@pytest.fixture
async def signed_in(around, clock, credential):
    tokens = AppTokens(credential, clock, timeout_s=0.2)
    made = TeamsChannel(around.draw, clock, tokens=tokens, timeout_s=1, jitter=lambda: 0.0)
    yield made
    await made.close()


async def test_one_token_serves_many_messages(signed_in, connector, credential):
    for _ in range(3):
        await signed_in.send(connector.thread(), HELLO)
    assert credential.asked == [("https://api.botframework.com/.default",)]
    assert {h["Authorization"] for h in connector.headers} == {"Bearer token-1"}


async def test_a_token_is_renewed_before_it_ends(signed_in, connector, credential, clock):
    await signed_in.send(connector.thread(), HELLO)
    clock.advance(3600 - 299)
    await signed_in.send(connector.thread(), HELLO)
    assert connector.headers[-1]["Authorization"] == "Bearer token-2"


async def test_a_token_that_is_refused_is_not_used_again(signed_in, connector):
    connector.refuse(401)
    with pytest.raises(ThrottledError):
        await signed_in.send(connector.thread(), HELLO)
    await signed_in.send(connector.thread(), HELLO)
    assert connector.headers[-1]["Authorization"] == "Bearer token-2"


async def test_without_a_token_nothing_is_sent_and_all_is_tried_again(
    signed_in, connector, credential
):
    credential.error = RuntimeError("the library's own error")
    with pytest.raises(ThrottledError):
        await signed_in.send(connector.thread(), HELLO)
    assert connector.headers == []


async def test_an_identity_service_that_hangs_does_not_hang_the_bot(
    signed_in, connector, credential
):
    credential.stalls = True
    with pytest.raises(ThrottledError):
        await signed_in.send(connector.thread(), HELLO)


async def test_a_token_never_goes_over_plain_http(signed_in, connector, credential):
    thread = replace(connector.thread(), service_url="http://smba.example/")
    with pytest.raises(ThreadGoneError, match="HTTPS"):
        await signed_in.send(thread, HELLO)
    assert credential.asked == []


def long_lines(count, width=400):
    return tuple(f"line {number} {'x' * width}" for number in range(count))


def test_a_card_that_is_too_big_loses_the_oldest_log_lines(around):
    post = LogsPost("run-1", "tiny", long_lines(200), first=1, total=200)
    card = fitted(post, around.draw)
    text = card.body["body"][0]["text"]
    assert size(card) <= 80_000
    assert "line 199" in text
    assert "line 0 " not in text


def test_a_small_card_keeps_every_line(around):
    post = LogsPost("run-1", "tiny", long_lines(10), first=1, total=10)
    assert fitted(post, around.draw).body["body"][0]["text"].count("line") == 10


@pytest.mark.parametrize("kind", ["run", "alert"])
def test_a_runs_card_that_is_too_big_loses_log_lines_and_samples(around, view, kind):
    cause = Diagnosis("It broke.", "Mend it.", long_lines(200))
    picture = view(RunStatus.FAILED, diagnosis=cause)
    post = RunPost(picture) if kind == "run" else AlertPost(picture, "id-alex", "Alex")
    assert size(fitted(post, around.draw)) <= 80_000


def test_what_cannot_be_made_smaller_is_refused_with_its_size(around):
    with pytest.raises(InputError, match="100 KB"):
        fitted(TextPost("x" * 50_000), around.draw)


def test_size_counts_as_teams_does(around):
    card = Card({"t": "ab"}, "s")
    assert size(card) == 2 * len('{"t": "ab"}')


def test_mentions_are_the_cards_own(around, connector):
    entity = {"type": "mention", "text": "<at>Alex</at>", "mentioned": {"id": "id-alex"}}
    body = {"type": "AdaptiveCard", "msteams": {"entities": [entity]}}
    draw = Draw(card=lambda _post: Card(body, "s"), text=around.draw.text)
    sent = outgoing(connector.thread(), HELLO, draw)
    assert sent["attachments"][0]["content"]["msteams"]["entities"] == [entity]
    assert "entities" not in sent
