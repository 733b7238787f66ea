"""Microsoft's own payloads, as its SDKs' authors recorded or wrote them, through the gateway."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "reference" / "teams" / "payloads"
FILES = sorted(path.name for path in FOLDER.glob("*.json")) if FOLDER.is_dir() else []
LOOPBACK = "http://127.0.0.1:9/"
# Which of them bring a person's words or click; all others must pass in silence.
TURNS = {
    "message_personal.json": ("Hey", {}),
    "message_groupChat_mention.json": ("test", {}),
    "message_channel_mention_thread.json": ("Test", {}),
    "message_channel_mention_longer.json": ("AI What is love?", {}),
    "message_channel_followup.json": ("dm me", {}),
    "message_card_submit_in_thread.json": ("", {"actionId": "info"}),
    "message_card_submit_with_replyToId.json": ("", {"actionId": "channel-post"}),
}
pytestmark = pytest.mark.skipif(not FILES, reason="Microsoft's payloads are not here")


def payload(name):
    return json.loads((FOLDER / name).read_text("utf-8-sig"))


def local(raw):
    """Return the payload as it would come from this machine, its tenant said where it is not."""
    tenant = raw.get("channelData", {}).get("tenant", {}).get("id")
    tenant = tenant or raw.get("conversation", {}).get("tenantId") or "tenant-1"
    conversation = {"id": "c", **raw.get("conversation", {}), "tenantId": tenant}
    return {"channelId": "msteams", **raw, "serviceUrl": LOOPBACK, "conversation": conversation}


@pytest.fixture
def open_bot(make_bot):
    tenants = {"tenant-1", "tenantId", "tenantId-Guid", "a1b2c3d4-e5f6-7890-abcd-ef1234567890"}
    return make_bot(tenants=frozenset(tenants))


@pytest.mark.parametrize("name", FILES)
async def test_no_payload_breaks_the_gateway(open_bot, name):
    raw = payload(name)
    async with open_bot as bot:
        status, _ = await bot.post(raw)
        local_status, _ = await bot.post(local(raw))
    assert status in {400, 403, 501}  # none of them is from this machine
    expected = 501 if raw.get("type") == "invoke" else 200
    assert local_status == (expected if raw.get("type") else 400)


@pytest.mark.parametrize("name", sorted(TURNS))
async def test_words_and_clicks_are_read_from_real_messages(open_bot, name):
    text, action = TURNS[name]
    async with open_bot as bot:
        await bot.post(local(payload(name)))
    (turn,) = bot.ears.turns
    assert (turn.text, turn.action) == (text, action)
    assert turn.actor.id == payload(name)["from"]["aadObjectId"]


@pytest.mark.parametrize("name", sorted(set(FILES) - set(TURNS) - {"activity_complex.json"}))
async def test_everything_else_passes_in_silence(open_bot, name):
    async with open_bot as bot:
        await bot.post(local(payload(name)))
        assert bot.ears.turns == []
        assert await bot.said() == []


@pytest.mark.skipif("message_card_submit_with_replyToId.json" not in FILES, reason="not here")
async def test_the_card_of_a_recorded_click_is_known_by_its_id(open_bot):
    async with open_bot as bot:
        await bot.post(local(payload("message_card_submit_with_replyToId.json")))
    assert bot.ears.turns[0].shown_id == "1771290108656"
    assert bot.ears.turns[0].thread.id.endswith(";messageid=1771290107407")
