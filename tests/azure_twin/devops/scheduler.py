"""Pushes and cron minutes that a test orders: each starts the pipelines that ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.source import Mapping, read
from tests.azure_twin.devops.commits import commit_of
from tests.azure_twin.devops.model import Cause, Definition, Run
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.people import SERVICE, Identity
from tests.azure_twin.devops.pipelines_api import MAIN
from tests.azure_twin.devops.runs import Runs
from tests.azure_twin.devops.triggers import is_due, is_pushed, schedules
from tests.azure_twin.devops.validation import Order


@dataclass
class Scheduler:
    """Starts what nobody asks for by hand. A schedule without `always` needs a new commit."""

    organisation: Organisation
    runs: Runs
    _scheduled: dict[tuple[int, str], str] = field(default_factory=dict)

    async def push(
        self, paths: Sequence[str], author: Identity, *, branch: str = MAIN, commit: str = ""
    ) -> list[Run]:
        """Start each pipeline whose trigger the push matches."""
        version = commit or await commit_of(self.organisation.repository)
        cause = Cause("IndividualCI", author, SERVICE, branch, version)
        return [
            self.runs.queue(definition, Order(), cause)
            for definition, document in self._files()
            if is_pushed(document, branch, paths)
        ]

    async def minute(self, at: datetime, author: Identity) -> list[Run]:
        """Start each pipeline of which a schedule names this minute."""
        version = await commit_of(self.organisation.repository)
        cause = Cause("Schedule", author, SERVICE, MAIN, version)
        started = []
        for definition, document in self._files():
            for schedule in schedules(document):
                key = (definition.id, schedule.cron)
                is_new = schedule.always or self._scheduled.get(key) != version
                if is_new and schedule.branches.lets("main") and is_due(schedule.cron, at):
                    self._scheduled[key] = version
                    started.append(self.runs.queue(definition, Order(), cause))
        return started

    def _files(self) -> list[tuple[Definition, Mapping]]:
        """Return each pipeline with its file; one without a file is started by nothing."""
        found = []
        for definition in self.organisation.definitions.values():
            try:
                document = read(
                    self.organisation.repository / definition.file, name=definition.file
                )
            except PipelineError:
                continue
            found.append((definition, document))
        return found
