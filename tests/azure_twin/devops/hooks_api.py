"""The service hooks API: subscriptions, their notifications, and a test of one."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import RefusalError, answer, collection, no_content, stamp
from tests.azure_twin.devops.calls import Call, Handlers, bad_request
from tests.azure_twin.devops.events import KINDS
from tests.azure_twin.devops.hooks import Hooks
from tests.azure_twin.devops.people import HOOKS, SUPPORT, demand_hooks
from tests.azure_twin.devops.samples import sample
from tests.azure_twin.devops.subscriptions import Subscription

_KIND = "Microsoft.VisualStudio.Services.ServiceHooks.WebApi"


@dataclass
class HooksApi:
    hooks: Hooks

    def handlers(self) -> Handlers:
        return {
            (locations.SUBSCRIPTIONS, "GET"): self.subscriptions,
            (locations.SUBSCRIPTIONS, "POST"): self.create,
            (locations.SUBSCRIPTIONS, "PUT"): self.replace,
            (locations.SUBSCRIPTIONS, "DELETE"): self.delete,
            (locations.NOTIFICATIONS, "GET"): self.notifications,
            (locations.TEST_NOTIFICATIONS, "POST"): self.test,
        }

    async def subscriptions(self, call: Call) -> web.Response:
        demand_hooks(call.member, SUPPORT)
        if "subscriptionId" in call.values:
            return answer(self._subscription(call).document())
        names = ("publisherId", "eventType", "consumerId", "consumerActionId")
        found = [
            each.document()
            for each in self.hooks.subscriptions.values()
            if all(call.query(name) in {"", each.body.get(name)} for name in names)
        ]
        return collection(found)

    async def create(self, call: Call) -> web.Response:
        demand_hooks(call.member, HOOKS)
        body = call.mapping()
        check_subscription(body)
        return answer(self.hooks.add(body, call.member.identity).document())

    async def replace(self, call: Call) -> web.Response:
        demand_hooks(call.member, HOOKS)
        body = call.mapping()
        check_subscription(body)
        wanted = call.values.get("subscriptionId") or str(body.get("id"))
        found = self._known(wanted)
        found.replace(body, self.hooks.now())
        return answer(found.document())

    async def delete(self, call: Call) -> web.Response:
        demand_hooks(call.member, HOOKS)
        self.hooks.remove(self._subscription(call).id)
        return no_content()

    async def notifications(self, call: Call) -> web.Response:
        demand_hooks(call.member, SUPPORT)
        wanted = self._subscription(call).id
        found = [one for one in self.hooks.notifications if one.subscription.id == wanted]
        if "notificationId" in call.values:
            number = call.id("notificationId")
            one = next((each for each in found if each.id == number), None)
            if one is None:
                raise _missing(f"The notification {number} of {wanted}")
            return answer(one.document())
        newest = list(reversed(found))[: call.number("maxResults", 100)]
        return collection([one.document() for one in newest])

    async def test(self, call: Call) -> web.Response:
        """Send a made-up event to what the body describes, or to a known subscription."""
        demand_hooks(call.member, HOOKS)
        body = call.mapping()
        details = dict(body.get("details") or {})
        known = self.hooks.subscriptions.get(str(body.get("subscriptionId")))
        if known is not None:
            details = {**known.body, "consumerInputs": known.body.get("consumerInputs")}
        check_subscription(details)
        now = self.hooks.now()
        target = Subscription("00000000-0000-0000-0000-000000000000", details,
                              call.member.identity, now, now)  # fmt: skip
        notification = self.hooks.notification(
            target, sample(str(details["eventType"]), stamp(now))
        )
        await self.hooks.deliver_once(notification)
        return answer(notification.document())

    def _subscription(self, call: Call) -> Subscription:
        return self._known(call.values.get("subscriptionId", ""))

    def _known(self, subscription_id: str) -> Subscription:
        found = self.hooks.subscriptions.get(subscription_id.lower())
        if found is None:
            raise _missing(f"The subscription {subscription_id}")
        return found


def check_subscription(body: dict[str, Any]) -> None:
    """Raise RefusalError for a subscription that the service would not take."""
    if body.get("publisherId") != "pipelines" or body.get("eventType") not in KINDS:
        raise bad_request(
            f"The event type {body.get('eventType')} of the publisher {body.get('publisherId')} "
            "is not known; the twin has: " + ", ".join(KINDS)
        )
    if body.get("consumerId") != "webHooks" or body.get("consumerActionId") != "httpRequest":
        raise bad_request("The twin has only the consumer webHooks with the action httpRequest.")
    url = str((body.get("consumerInputs") or {}).get("url") or "")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise RefusalError(
            400,
            f"{_KIND}.SubscriptionInputException",
            f"The input url with the value {url!r} is not valid: it must be an HTTPS URL.",
        )


def _missing(what: str) -> RefusalError:
    return RefusalError(404, f"{_KIND}.SubscriptionNotFoundException", f"{what} does not exist.")
