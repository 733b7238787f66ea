"""Service hooks of the twin: subscriptions by the real package, deliveries to a real listener."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.service_hooks.models import (
    Notification,
    NotificationDetails,
    Subscription,
)

from tests.azure_twin.devops import events
from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import until
from tests.azure_twin.devops.subscriber import Subscriber, listening
from tests.azure_twin.world import BOT_IDENTITY, PROJECT_ID

QUICK = "steps:\n  - checkout: none\n  - bash: echo\n"


@pytest.fixture
def listener() -> Iterator[Subscriber]:
    with listening() as subscriber:
        yield subscriber


@pytest.fixture(autouse=True)
def quiet(lab: Lab) -> Iterator[None]:
    """Retry at once, and leave neither subscriptions nor mischief behind."""
    lab.control("set_hooks", retry_s=0)
    yield
    lab.control("rights", who=BOT_IDENTITY, grant=["Edit subscriptions", "View subscriptions"])
    lab.control("set_hooks", lose=0, double=0, reorder=0, late_s=0)
    for each in lab.bot.hooks.list_subscriptions():
        lab.bot.hooks.delete_subscription(each.id)


def wanted(listener: Subscriber, kind: str = events.RUN, **inputs: str) -> Subscription:
    return Subscription(
        publisher_id="pipelines",
        event_type=kind,
        resource_version="5.1-preview.1",
        consumer_id="webHooks",
        consumer_action_id="httpRequest",
        publisher_inputs={"projectId": PROJECT_ID, **inputs},
        consumer_inputs={
            "url": listener.url,
            "basicAuthUsername": "devops",
            "basicAuthPassword": "pass",
            "httpHeaders": "X-Krsp: yes",
        },
    )


def ran(lab: Lab, text: str = QUICK) -> Any:
    return lab.bot.ended(lab.bot.run(lab.write(text)).id)


def status(lab: Lab, subscription: Any) -> str:
    return str(lab.bot.hooks.get_subscription(subscription.id).status)


def test_a_subscription_is_made_listed_replaced_and_deleted(lab: Lab, listener: Subscriber) -> None:
    hooks = lab.bot.hooks
    made = hooks.create_subscription(wanted(listener))
    assert (made.status, made.consumer_inputs["basicAuthPassword"]) == ("enabled", "********")
    assert [each.id for each in hooks.list_subscriptions(event_type=events.RUN)] == [made.id]
    assert hooks.list_subscriptions(event_type=events.STAGE) == []
    made.publisher_inputs["pipelineId"] = "12"
    assert hooks.replace_subscription(made, made.id).publisher_inputs["pipelineId"] == "12"
    hooks.delete_subscription(made.id)
    with pytest.raises(AzureDevOpsServiceError) as caught:
        hooks.get_subscription(made.id)
    assert caught.value.type_key == "SubscriptionNotFoundException"


def test_a_run_is_told_when_it_begins_and_ends(lab: Lab, listener: Subscriber) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener))
    build = ran(lab)
    until(lambda: len(listener.events) == 2)
    states = [event["resource"]["run"]["state"] for event in listener.events]
    assert states == ["inProgress", "completed"]
    assert listener.events[1]["resource"]["run"]["id"] == build.id
    assert {event["subscriptionId"] for event in listener.events} == {made.id}
    pair = base64.b64encode(b"devops:pass").decode()
    assert listener.headers[0]["Authorization"] == f"Basic {pair}"
    assert listener.headers[0]["X-Krsp"] == "yes"


@pytest.mark.parametrize(
    ("kind", "inputs", "count"),
    [
        (events.RUN, {"runStateId": "Completed"}, 1),
        (events.RUN, {"runResultId": "Failed"}, 0),
        (events.RUN, {"pipelineId": "12"}, 0),
        (events.RUN, {"pipelineId": "11", "runStateId": ""}, 2),
        (events.STAGE, {}, 2),
        (events.STAGE, {"stageStateId": "Completed"}, 1),
        (events.JOB, {}, 2),
    ],
)
def test_filters_let_through_what_they_name(
    lab: Lab, listener: Subscriber, kind: str, inputs: dict[str, str], count: int
) -> None:
    lab.bot.hooks.create_subscription(wanted(listener, kind, **inputs))
    last = lab.bot.hooks.create_subscription(wanted(listener, runStateId="Completed"))
    ran(lab)
    until(lambda: [e for e in listener.events if e["subscriptionId"] == last.id])
    assert len([e for e in listener.events if e["subscriptionId"] != last.id]) == count


def test_approvals_are_told(lab: Lab, listener: Subscriber) -> None:
    for kind in (events.APPROVAL_PENDING, events.APPROVAL_COMPLETED):
        lab.bot.hooks.create_subscription(wanted(listener, kind))
    lab.control("environment", name="production", approvers=["Megan Bowen"])
    text = "jobs:\n  - deployment: d\n    environment: production\n    strategy: {runOnce: "
    run = lab.bot.run(lab.write(text + "{deploy: {steps: [{bash: echo}]}}}\n"))
    until(lambda: len(listener.events) == 1)
    lab.control("approve", run=run.id, person="Megan Bowen")
    until(lambda: len(listener.events) == 2)
    assert [e["resource"]["approval"]["status"] for e in listener.events] == ["pending", "approved"]
    assert lab.bot.ended(run.id).result == "succeeded"


def test_a_passing_failure_is_tried_again(lab: Lab, listener: Subscriber) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener, runStateId="Completed"))
    listener.statuses = [503, 502]
    ran(lab)
    until(lambda: len(listener.events) == 3)
    assert {event["id"] for event in listener.events} == {listener.events[0]["id"]}
    assert status(lab, made) == "enabled"


def test_a_lasting_failure_puts_on_probation_and_then_disables(
    lab: Lab, listener: Subscriber
) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener))
    listener.statuses = [500] * 20
    ran(lab)
    until(lambda: status(lab, made) == "disabledBySystem")
    assert len(listener.events) == 8
    ran(lab)
    assert len(listener.events) == 8
    listener.statuses.clear()
    found = lab.bot.hooks.get_subscription(made.id)
    found.status = "enabled"
    assert lab.bot.hooks.replace_subscription(found, made.id).status == "enabled"
    ran(lab)
    until(lambda: len(listener.events) == 10)
    assert listener.headers[-1]["Authorization"].startswith("Basic ")


def test_a_subscriber_that_comes_back_leaves_probation(lab: Lab, listener: Subscriber) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener, runStateId="Completed"))
    listener.statuses = [500, 500]
    ran(lab)
    until(lambda: len(listener.events) == 3)
    until(lambda: status(lab, made) == "enabled")


def test_a_subscriber_that_is_gone_for_good_is_disabled_at_once(
    lab: Lab, listener: Subscriber
) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener, runStateId="Completed"))
    listener.statuses = [410]
    ran(lab)
    until(lambda: status(lab, made) == "disabledBySystem")
    assert len(listener.events) == 1


def test_events_may_be_lost_doubled_and_turned_round(lab: Lab, listener: Subscriber) -> None:
    lab.bot.hooks.create_subscription(wanted(listener))
    lab.bot.hooks.create_subscription(wanted(listener, events.STAGE))
    # A run tells: run begins, stage begins, job begins, job ends, stage ends, run ends.
    lab.control("set_hooks", lose=1)
    ran(lab)
    until(lambda: len(listener.events) == 3)
    assert "run-state-changed" not in listener.events[0]["eventType"]
    lab.control("set_hooks", double=1)
    ran(lab)
    until(lambda: len(listener.events) == 8)
    assert listener.events[3]["id"] == listener.events[4]["id"]
    lab.control("set_hooks", reorder=6)
    ran(lab)
    until(lambda: len(listener.events) == 12)
    runs = [e["resource"]["run"]["state"] for e in listener.events[8:] if "job" not in e]
    assert sorted(runs) == ["completed", "inProgress", "inProgress", "inProgress"]


def test_events_may_come_late(lab: Lab, listener: Subscriber) -> None:
    lab.bot.hooks.create_subscription(wanted(listener, runStateId="Completed"))
    lab.control("set_hooks", late_s=0.5)
    ran(lab)
    assert listener.events == []
    until(lambda: len(listener.events) == 1)


def test_a_public_address_may_be_routed_to_this_machine(lab: Lab, listener: Subscriber) -> None:
    asked = wanted(listener, runStateId="Completed")
    asked.consumer_inputs["url"] = "https://bot.example.com/hooks/devops"
    lab.control(
        "set_hooks", routes={"https://bot.example.com": f"http://127.0.0.1:{listener.port}"}
    )
    lab.bot.hooks.create_subscription(asked)
    ran(lab)
    until(lambda: len(listener.events) == 1)


def test_a_test_notification_is_sent_once_and_told(lab: Lab, listener: Subscriber) -> None:
    asked = wanted(listener)
    details = NotificationDetails(
        event_type=asked.event_type,
        publisher_id=asked.publisher_id,
        publisher_inputs=asked.publisher_inputs,
        consumer_id=asked.consumer_id,
        consumer_action_id=asked.consumer_action_id,
        consumer_inputs=asked.consumer_inputs,
    )
    sent = lab.bot.hooks.create_test_notification(Notification(details=details))
    assert (sent.status, sent.result, sent.details.response) == ("completed", "succeeded", "200 OK")
    assert len(listener.events) == 1
    listener.statuses = [401]
    failed = lab.bot.hooks.create_test_notification(Notification(details=details))
    assert (failed.result, failed.details.response) == ("failed", "401 Unauthorized")


def test_what_was_sent_can_be_looked_up(lab: Lab, listener: Subscriber) -> None:
    made = lab.bot.hooks.create_subscription(wanted(listener))
    ran(lab)
    until(lambda: len(listener.events) == 2)
    found = until(
        lambda: [n for n in lab.bot.hooks.get_notifications(made.id) if n.result == "succeeded"]
    )
    assert {each.subscription_id for each in found} == {made.id}


def test_only_who_may_edit_subscriptions_makes_them(lab: Lab, listener: Subscriber) -> None:
    lab.control("rights", who=BOT_IDENTITY, revoke=["Edit subscriptions"])
    with pytest.raises(AzureDevOpsServiceError, match="Edit subscriptions") as caught:
        lab.bot.hooks.create_subscription(wanted(listener))
    assert caught.value.type_key == "AccessCheckException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event_type": "build.complete"}, "event type build.complete"),
        ({"consumer_id": "slack"}, "only the consumer webHooks"),
        ({"consumer_inputs": {"url": "http://example.com"}}, "must be an HTTPS URL"),
    ],
)
def test_a_subscription_that_cannot_work_is_refused(
    lab: Lab, listener: Subscriber, change: dict[str, Any], message: str
) -> None:
    asked = wanted(listener)
    for name, value in change.items():
        setattr(asked, name, value)
    with pytest.raises(AzureDevOpsServiceError, match=message):
        lab.bot.hooks.create_subscription(asked)
