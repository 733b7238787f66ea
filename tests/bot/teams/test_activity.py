"""Reading an activity: what was said or pressed, by whom, where, and under which key."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import ThreadKind
from bot.errors import ForbiddenError, MalformedError
from bot.teams import activity as wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["type", "text", "value", "from", "recipient", "conversation", "channelData", "entities", "id"]
)


def mention(text, who="28:bot", name="KRSP"):
    return {"type": "mention", "text": text, "mentioned": {"id": who, "name": name}}


@given(st.binary(max_size=200))
def test_any_bytes_are_an_activity_or_malformed(body):
    with contextlib.suppress(MalformedError):
        assert wire.parse(body)["type"]


@given(st.dictionaries(FIELDS, JSON))
def test_any_json_object_can_be_read_without_a_crash(raw):
    whole = {"type": "message", "channelId": "msteams", "serviceUrl": "http://x/"} | raw
    wire.spoken(whole)
    wire.click(whole)
    wire.click({**whole, "type": "invoke"})
    wire.arrival({**whole, "type": "conversationUpdate"})
    wire.actor(whole, "t")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"a": NaN}', b"\xff\xfe"])
def test_what_is_no_json_object_is_malformed(body):
    with pytest.raises(MalformedError, match="JSON"):
        wire.parse(body)


@pytest.mark.parametrize("kind", [None, "", 7, ["message"]])
def test_an_activity_without_a_type_is_malformed(kind):
    with pytest.raises(MalformedError, match="type"):
        wire.parse(json.dumps({"type": kind}).encode())


def test_json_that_nests_without_end_is_malformed():
    with pytest.raises(MalformedError):
        wire.parse(b'{"type":' + b"[" * 100_000)


def test_characters_that_no_database_holds_are_dropped():
    raw = wire.parse(
        b'{"type": "message", "text": "a\\ud800b\\u0000c", "x": {"y\\u0000": ["\\udfff"]}}'
    )
    assert raw["text"] == "abc"
    assert raw["x"] == {"y": [""]}


def test_a_pair_of_surrogates_is_one_character():
    assert wire.parse(b'{"type": "message", "text": "\\ud83d\\ude00"}')["text"] == "😀"


@pytest.mark.parametrize(
    ("text", "entities", "spoken"),
    [
        ("<at>KRSP</at> train tiny", [mention("<at>KRSP</at>")], "train tiny"),
        ("please <at>KRSP</at> help", [mention("<at>KRSP</at>")], "please help"),
        ("<at>A</at> x", [mention("<at>A</at>", who="29:a", name="Ada")], "Ada x"),
        ("<at>KRSP</at>", [], "<at>KRSP</at>"),
        ("lr &lt; 1 &amp;&nbsp;steps&gt;2", [], "lr < 1 & steps>2"),
        ("  train\r\n\ttiny\u200b-sft\n", [], "train tiny-sft"),
        (None, [mention("<at>KRSP</at>")], ""),
        (None, None, ""),
        ("x", [None, 7, {"type": "mention"}, {"type": "mention", "text": 3}], "x"),
        ("<at>a<b</at> help", [mention("<at>a<b</at>")], "help"),
    ],
)
def test_what_was_typed_comes_without_mention_entities_and_odd_spaces(
    activity, text, entities, spoken
):
    assert wire.spoken(activity(text=text, entities=entities)) == spoken


def test_only_the_mentions_that_were_made_are_taken_out(activity):
    raw = activity(text="<at>KRSP</at> say <at>KRSP</at>", entities=[mention("<at>KRSP</at>")])
    assert wire.spoken(raw) == "say <at>KRSP</at>"


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [
        ({"conversationType": "personal", "id": "a:1"}, ThreadKind.PERSONAL),
        ({"conversationType": "groupChat", "id": "19:x@thread.v2"}, ThreadKind.GROUP),
        ({"conversationType": "channel", "id": "19:x@thread.tacv2"}, ThreadKind.CHANNEL),
        ({"id": "19:x@thread.tacv2;messageid=1"}, ThreadKind.CHANNEL),
        ({"id": "19:x@thread.v2"}, ThreadKind.GROUP),
        ({"id": "a:1"}, ThreadKind.PERSONAL),
    ],
)
def test_the_kind_of_a_conversation_is_known(activity, conversation, kind):
    assert wire.thread(activity(conversation=conversation), "t").kind is kind


def test_a_channel_thread_keeps_its_root_so_that_replies_stay_in_it(activity):
    name = "19:x@thread.tacv2;messageid=17"
    raw = activity(conversation={"id": name, "conversationType": "channel"})
    assert wire.thread(raw, "t").id == name


def test_a_conversation_of_the_console_is_one(activity):
    assert wire.thread(activity(channelId="console"), "t").kind is ThreadKind.CONSOLE


def test_a_conversation_without_an_id_is_malformed(activity):
    with pytest.raises(MalformedError, match="conversation"):
        wire.thread(activity(conversation={}), "t")


@pytest.mark.parametrize("missing", ["channelId", "serviceUrl"])
def test_an_activity_of_unknown_origin_is_refused(activity, missing):
    with pytest.raises(ForbiddenError):
        wire.origin(activity(**{missing: None}))


@pytest.mark.parametrize(
    ("conversation", "data", "is_let_in"),
    [
        ("t1", "t1", True),
        ("T1", "t1", True),
        ("t1", None, True),
        (None, "t1", True),
        ("t1", "t2", False),
        ("t2", "t2", False),
        (None, None, False),
    ],
)
def test_both_tenants_must_agree_and_be_allowed(activity, conversation, data, is_let_in):
    raw = activity(conversation={"tenantId": conversation}, channelData={"tenant": {"id": data}})
    if is_let_in:
        assert wire.tenant(raw, frozenset({"t1"})) == "t1"
    else:
        with pytest.raises(ForbiddenError, match="tenant"):
            wire.tenant(raw, frozenset({"t1"}))


def test_two_tenants_in_one_activity_are_refused_although_both_are_allowed(activity):
    raw = activity(conversation={"tenantId": "t1"}, channelData={"tenant": {"id": "t2"}})
    with pytest.raises(ForbiddenError):
        wire.tenant(raw, frozenset({"t1", "t2"}))


def test_an_empty_list_of_tenants_lets_nobody_in(activity):
    with pytest.raises(ForbiddenError):
        wire.tenant(activity(), frozenset())


def test_a_person_without_a_directory_account_is_nobody(activity):
    assert wire.actor(activity(**{"from": {"id": "29:x", "name": "Ada"}}), "t") is None


def test_a_display_name_is_one_short_line(activity):
    sender = {"aadObjectId": "id-1", "name": "Ada\n\n" + "x" * 500}
    actor = wire.actor(activity(**{"from": sender}), "t")
    assert actor.name.startswith("Ada x")
    assert len(actor.name) == 100


def turn(raw):
    return wire.turn(raw, wire.actor(raw, "t"), wire.thread(raw, "t"))


def test_a_message_delivered_twice_has_one_key(activity):
    assert turn(activity()).key == turn(activity(timestamp="later")).key


def test_two_messages_have_two_keys(activity):
    assert turn(activity(id="1")).key != turn(activity(id="2")).key


def test_a_click_delivered_again_with_a_new_id_has_its_old_key(invoke):
    data = {"action": "plan", "nonce": "n-1", "recipe": "tiny"}
    assert turn(invoke(data, id="f:1")).key == turn(invoke(data, id="f:2")).key


def test_a_corrected_form_is_a_new_turn_although_its_nonce_is_old(invoke):
    data = {"action": "plan", "nonce": "n-1", "steps": "-5"}
    assert turn(invoke(data)).key != turn(invoke(data | {"steps": "5"})).key


def test_two_people_who_press_one_button_are_two_turns(invoke):
    data = {"action": "approve", "nonce": "n-1"}
    other = {"id": "29:b", "aadObjectId": "id-b", "name": "B"}
    assert turn(invoke(data)).key != turn(invoke(data, **{"from": other})).key


def test_keys_do_not_grow_when_a_nonce_is_itself_a_key(invoke):
    first = turn(invoke({"action": "form", "nonce": "n" * 500})).key
    second = turn(invoke({"action": "form", "nonce": first})).key
    assert len(second) == len(first) < 100


def test_an_automatic_refresh_is_no_repetition_of_a_click(invoke):
    data = {"action": "status", "nonce": "n-1"}
    refreshes = [invoke(data, id=name) for name in ("1", "2")]
    for raw in refreshes:
        raw["value"]["trigger"] = "automatic"
    assert turn(refreshes[0]).key != turn(refreshes[1]).key


def test_a_message_without_an_id_cannot_be_told_from_its_repetition(activity):
    with pytest.raises(MalformedError, match="id"):
        turn(activity(id=None))


def test_an_execute_and_its_submit_fallback_mean_the_same(activity, invoke):
    data = {"action": "start", "draft": "run-1"}
    execute = turn(invoke(data, replyToId="card-1"))
    submit = turn(activity(text=None, value=data, replyToId="card-1"))
    assert execute.action == submit.action == data
    assert execute.shown_id == submit.shown_id == "card-1"
    assert execute.text == submit.text == ""


def test_the_verb_names_the_action_where_the_data_do_not(invoke):
    raw = invoke({"draft": "run-1"})
    raw["value"]["action"]["verb"] = "start"
    assert turn(raw).action == {"action": "start", "draft": "run-1"}


def test_a_typed_message_with_a_value_of_its_own_stays_a_message(activity):
    raw = activity(text="hello", value={"ObjectName": "level one"})
    assert turn(raw).text == "hello"
    assert turn(raw).action == {}


def test_what_a_client_adds_for_itself_is_no_input(activity):
    raw = activity(text=None, value={"action": "start", "msteams": {"type": "x"}})
    assert turn(raw).action == {"action": "start"}


@pytest.mark.parametrize(
    ("change", "meaning"),
    [
        ({"type": "installationUpdate", "action": "add"}, True),
        ({"type": "installationUpdate", "action": "Add-Upgrade"}, True),
        ({"type": "installationUpdate", "action": "remove"}, False),
        ({"type": "installationUpdate", "action": "remove-upgrade"}, False),
        ({"type": "installationUpdate"}, None),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "28:bot"}]}, True),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:ada"}]}, None),
        ({"type": "conversationUpdate", "membersRemoved": [{"id": "28:bot"}]}, False),
        ({"type": "conversationUpdate", "channelData": {"eventType": "TeamDeleted"}}, False),
        ({"type": "conversationUpdate", "channelData": {"eventType": "channelDeleted"}}, False),
        ({"type": "conversationUpdate", "channelData": {"eventType": "channelRenamed"}}, None),
        ({"type": "messageReaction"}, None),
    ],
)
def test_coming_and_going_of_the_bot_is_seen_in_any_casing(activity, change, meaning):
    assert wire.arrival(activity(**change)) is meaning


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("http://127.0.0.1:3978/x", True),
        ("http://localhost:56150/_connector", True),
        ("http://[::1]:80/", True),
        ("https://127.9.9.9/", True),
        ("https://smba.trafficmanager.net/amer/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://127.0.0.1@evil.example/", False),
        ("http://localhost.evil.example/", False),
        ("http://0.0.0.0/", False),
        ("file://127.0.0.1/etc", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(url, is_ours):
    assert wire.is_loopback(url) is is_ours
