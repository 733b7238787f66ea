"""The control API of the Azure DevOps half: what a test or a person in the portal would do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.azure_twin.context import CommandError
from tests.azure_twin.devops.answers import RefusalError
from tests.azure_twin.devops.approvals_api import check_decision
from tests.azure_twin.devops.checks import PENDING, TIMED_OUT, Approval
from tests.azure_twin.devops.commits import commit_of
from tests.azure_twin.devops.documents import build_document
from tests.azure_twin.devops.hooks import Hooks
from tests.azure_twin.devops.model import Cause, Connection, Definition, Environment, Group, Run
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.people import Identity, Member
from tests.azure_twin.devops.pipelines_api import MAIN
from tests.azure_twin.devops.runs import Runs
from tests.azure_twin.devops.scheduler import Scheduler
from tests.azure_twin.devops.throttle import Throttle
from tests.azure_twin.devops.validation import Order
from tests.azure_twin.world import TENANT

Values = Mapping[str, Any]
SOMEBODY = "Alex Wilber"


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what the service refuses into a sentence for the test's author."""
    try:
        yield
    except RefusalError as error:
        raise CommandError(error.message) from error


@dataclass
class Commands:
    """Each method is a command `devops.<name>`; values are its JSON object."""

    organisation: Organisation
    runs: Runs
    hooks: Hooks
    scheduler: Scheduler
    throttle: Throttle

    def register(self) -> None:
        """Add the commands to the control API."""
        commands = (
            *(self.repository, self.pipeline, self.group, self.environment, self.connection),
            *(self.rights, self.set_pool, self.set_throttle, self.set_hooks, self.hook_status),
            *(self.push, self.cron, self.start, self.approve, self.list_runs, self.list_approvals),
            *(self.cancel, self.kill_agent, self.delete),
        )
        self.organisation.twin.commands.update(
            {f"devops.{command.__name__}": command for command in commands}
        )

    # ---- what an administrator sets

    async def repository(self, values: Values) -> None:
        """Check out the folder `path` in every run from now on."""
        self.organisation.repository = Path(values["path"])

    async def pipeline(self, values: Values) -> int:
        """Add a pipeline `name` of `file`, or change its `variables`; return its id."""
        found = self.organisation.named(values["name"])
        if found is None:
            number = max(self.organisation.definitions) + 1
            found = Definition(number, values["name"], values["file"])
            self.organisation.definitions[number] = found
        found.file = values.get("file", found.file)
        found.variables.update(values.get("variables") or {})
        return found.id

    async def group(self, values: Values) -> None:
        """Set the variable group `name`: `variables`, of which `secrets` names the secret ones."""
        secrets = set(values.get("secrets") or [])
        group = Group(values["name"], dict(values["variables"]), secrets)
        self.organisation.groups[group.name] = group

    async def environment(self, values: Values) -> None:
        """Add or change an environment; `approvers` are people's names or ids."""
        known = self.organisation.environments
        found = known.setdefault(
            values["name"], Environment(len(known) + 1, values["name"], is_exclusive=False)
        )
        if "approvers" in values:
            found.approvers = [self._person(name) for name in values["approvers"]]
        for name in ("minimum", "instructions", "is_exclusive", "requester_may_approve"):
            if name in values:
                setattr(found, name, values[name])

    async def connection(self, values: Values) -> None:
        """Add a service connection (`id`, `name`, `client_id`), or change its `pipelines`.

        `gone` removes it. `pipelines` are the ids that may use it; null opens it to all.
        """
        name = values["name"]
        if values.get("gone"):
            self.organisation.connections.pop(name, None)
            return
        if name not in self.organisation.connections:
            new = Connection(values["id"], name, values["client_id"], TENANT)
            self.organisation.connect(new)
        if "pipelines" in values:
            allowed = values["pipelines"]
            open_to = None if allowed is None else set(allowed)
            self.organisation.connections[name].pipelines = open_to
        self.runs.checks.look_again()

    async def rights(self, values: Values) -> list[str]:
        """Change what `who` (a client id or a person) may.

        `grant` and `revoke` name rights, `pipelines` narrows them; `licence` is the access level.
        """
        identity = self._identity(values["who"])
        members = self.organisation.members.by_id
        if values.get("gone"):
            members.pop(identity.id, None)
            return []
        member = members.setdefault(identity.id, Member(identity, set()))
        member.rights |= set(values.get("grant") or [])
        member.rights -= set(values.get("revoke") or [])
        member.licence = values.get("licence", member.licence)
        if "pipelines" in values:
            narrowed = values["pipelines"]
            member.pipelines = None if narrowed is None else set(narrowed)
        return sorted(member.rights)

    async def set_pool(self, values: Values) -> None:
        """Set `parallel` (0: no grant), `delay_s`, `is_paused` of the hosted agents."""
        for name in ("parallel", "delay_s", "is_paused"):
            if name in values:
                setattr(self.runs.pool, name, values[name])
        self.runs.pool.pass_on()

    async def set_throttle(self, values: Values) -> None:
        """Let each request take `cost` of `limit` units in `window_s`; `delay_s` beyond it."""
        for name in ("cost", "limit", "window_s", "delay_s"):
            if name in values:
                setattr(self.throttle, name, float(values[name]))

    # ---- service hooks

    async def set_hooks(self, values: Values) -> None:
        """Order mischief (`lose`, `double`, `reorder`, `late_s`), `retry_s`, or `routes`."""
        for name in ("lose", "double", "reorder", "late_s"):
            if name in values:
                setattr(self.hooks.mischief, name, values[name])
        if "retry_s" in values:
            self.hooks.retry_s = float(values["retry_s"])
        self.hooks.routes.update(values.get("routes") or {})

    async def hook_status(self, values: Values) -> None:
        """Set the status of a subscription, as a person does in the portal."""
        self.hooks.subscriptions[values["id"]].status = values["status"]

    # ---- what starts runs

    async def push(self, values: Values) -> list[int]:
        """Push a commit that changed `paths`; return the runs that it starts."""
        author = self._person(values.get("author", SOMEBODY))
        branch, commit = values.get("branch", MAIN), values.get("commit", "")
        with _in_words():
            started = await self.scheduler.push(
                values["paths"], author, branch=branch, commit=commit
            )
        return [run.id for run in started]

    async def cron(self, values: Values) -> list[int]:
        """Let the clock strike the minute `at`; return the runs that it starts."""
        at = datetime.fromisoformat(values["at"]).astimezone(UTC)
        author = self._person(values.get("author", SOMEBODY))
        with _in_words():
            return [run.id for run in await self.scheduler.minute(at, author)]

    async def start(self, values: Values) -> int:
        """Run `pipeline` by hand with `parameters`, as `person` does in the portal."""
        definition = self.organisation.named(values["pipeline"])
        if definition is None:
            raise CommandError(f"There is no pipeline {values['pipeline']!r}.")
        person = self._person(values.get("person", SOMEBODY))
        commit = await commit_of(self.organisation.repository)
        cause = Cause("Manual", person, person, values.get("branch", MAIN), commit)
        with _in_words():
            return self.runs.queue(definition, Order(values.get("parameters") or {}), cause).id

    # ---- runs and approvals

    async def approve(self, values: Values) -> str:
        """Decide as `person`: the approval `id`, or the one pending one of `run`."""
        approval = self._approval(values)
        status = values.get("status", "approved")
        if status == TIMED_OUT:
            self.runs.checks.complete(approval, TIMED_OUT)
            return approval.id
        person = self._person(values["person"])
        with _in_words():
            check_decision(approval, person, status)
        self.runs.checks.decide(approval, person, status, values.get("comment", ""))
        return approval.id

    async def list_runs(self, values: Values) -> list[dict[str, Any]]:
        return [build_document(run) for run in self.organisation.newest_first()]

    async def list_approvals(self, values: Values) -> list[dict[str, Any]]:
        return [each.document() for each in self.runs.checks.approvals.values()]

    async def cancel(self, values: Values) -> None:
        """Cancel `run`, as a person does in the portal."""
        self.runs.cancel(self._run(values))

    async def kill_agent(self, values: Values) -> None:
        """Let the machine that works on `run` be gone."""
        self.runs.kill_agent(self._run(values))

    async def delete(self, values: Values) -> None:
        """Delete `run`, as retention or a person does; one that goes on is ended first."""
        run = self._run(values)
        self.runs.cancel(run)
        await self.runs.wait(run)
        self.organisation.runs.pop(run.id, None)

    def _approval(self, values: Values) -> Approval:
        known = self.runs.checks.approvals
        if "id" in values:
            return known[values["id"]]
        run = self._run(values)
        found = [each for each in known.values() if each.run is run and each.status == PENDING]
        if len(found) != 1:
            raise CommandError(f"Run {run.id} has {len(found)} pending approvals.")
        return found[0]

    def _run(self, values: Values) -> Run:
        run = self.organisation.runs.get(int(values["run"]))
        if run is None:
            raise CommandError(f"There is no run {values['run']}.")
        return run

    def _person(self, name: str) -> Identity:
        person = self.organisation.twin.directory.person(name)
        if person is None:
            raise CommandError(f"There is no person {name!r}.")
        return Identity(person.oid, person.name, person.username)

    def _identity(self, name: str) -> Identity:
        application = self.organisation.twin.directory.application(name)
        if application is not None:
            return Identity(application.oid, application.name, application.client_id)
        return self._person(name)
