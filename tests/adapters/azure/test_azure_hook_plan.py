"""Which service hook subscriptions are ours, and what has to be done about them."""

from typing import Any

import pytest

from bot.adapters.azure.hooks import EVENTS, PATH, Hook, disabled_why, standing, wanted
from tests.adapters.azure.recorded import subscription

URL, PROJECT = "https://krsp.example.com" + PATH, "d0a4c1f7-92be-4e36-8f57-6b1a3e9c4d03"
HOOKS = wanted([11, 12])


def said(hook: Hook, **values: Any) -> Any:
    return subscription(
        **{
            "id": f"{hook.event}/{hook.pipeline_id}",
            "status": "enabled",
            "publisherId": "pipelines",
            "eventType": hook.event,
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": PROJECT, "pipelineId": str(hook.pipeline_id)},
            "consumerInputs": {"url": URL, "basicAuthPassword": "********"},
            **values,
        }
    )


def test_each_event_of_each_pipeline_is_wanted_once() -> None:
    assert len(HOOKS) == 2 * len(EVENTS) == len(set(HOOKS))
    assert wanted([11, 0]) == HOOKS[: len(EVENTS)]


def test_all_there_is_good() -> None:
    found = standing([said(hook) for hook in HOOKS], HOOKS, URL, PROJECT)
    assert found.is_good
    assert found.good == HOOKS


def test_none_there_are_all_missing() -> None:
    assert standing([], HOOKS, URL, PROJECT).missing == HOOKS


@pytest.mark.parametrize(
    "other",
    [
        {"consumerId": "slack"},
        {"consumerInputs": {"url": "https://elsewhere.example.com" + PATH}},
        {"consumerInputs": None},
    ],
)
def test_a_subscription_of_somebody_else_is_left_alone(other: dict[str, Any]) -> None:
    found = standing([said(HOOKS[0], **other)], HOOKS, URL, PROJECT)
    assert found.missing == HOOKS
    assert found.extra == ()


@pytest.mark.parametrize(
    "other",
    [
        {"publisherInputs": {"projectId": PROJECT, "pipelineId": "99"}},
        {"publisherInputs": {"projectId": "another", "pipelineId": "11"}},
        {"publisherInputs": None},
        {"eventType": "build.complete"},
        {"publisherId": "tfs"},
    ],
)
def test_one_to_our_address_that_is_not_wanted_is_extra(other: dict[str, Any]) -> None:
    odd = said(HOOKS[0], id="odd", **other)
    assert standing([odd], HOOKS, URL, PROJECT).extra == (odd,)


def test_a_second_one_of_a_kind_is_extra() -> None:
    twin = said(HOOKS[0], id="second")
    assert standing([said(HOOKS[0]), twin], HOOKS, URL, PROJECT).extra == (twin,)


def test_the_case_of_a_filter_does_not_matter() -> None:
    hook = said(HOOKS[0], publisherInputs={"ProjectId": PROJECT, "PipelineId": "11"})
    assert standing([hook], HOOKS, URL, PROJECT).good == (HOOKS[0],)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("enabled", None),
        ("onProbation", None),
        ("disabledBySystem", "deliveries failed"),
        ("disabledByUser", "by a person"),
        ("disabledByInactiveIdentity", "inactive"),
    ],
)
def test_a_disabled_one_says_why(status: str, word: str | None) -> None:
    hook = said(HOOKS[0], status=status)
    why = disabled_why(hook)
    assert (why is None) if word is None else (why is not None and word in why)
    assert bool(standing([hook], HOOKS, URL, PROJECT).disabled) == (word is not None)
