"""What is looked at before a run is queued: its file, parameters, connections, environments."""

import re
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.parameters import declared
from bot.adapters.local.interpreter.plan import Plan, plan
from bot.adapters.local.interpreter.shape import text
from bot.adapters.local.interpreter.source import Mapping, Sequence, read
from bot.adapters.local.interpreter.variables import Variable, Variables
from tests.azure_twin.devops.answers import PIPELINES, RefusalError
from tests.azure_twin.devops.model import Definition
from tests.azure_twin.devops.organisation import Organisation

FORBIDDEN = re.compile(r'["/:<>\\|?*@]')
LONGEST_NUMBER = 255


@dataclass(frozen=True)
class Order:
    """What a client asks for."""

    parameters: Dict[str, str] = field(default_factory=dict)
    variables: Dict[str, str] = field(default_factory=dict)


def planned(organisation: Organisation, definition: Definition, order: Order) -> Plan:
    """Return the plan of the run; raises RefusalError (400) as the service refuses to queue it."""
    file = f"/{definition.file}"
    try:
        document = read(organisation.repository / definition.file, name=definition.file)
        known = [parameter.name.lower() for parameter in declared(document.get("parameters"))]
        for name in order.parameters:
            if name.lower() not in known:
                raise invalid(f"{file}: Unexpected parameter '{name}'")
        expanded = load(
            organisation.repository,
            definition.file,
            dict(order.parameters),
            dict(order.variables),
            groups=frozenset(organisation.groups),
        )
        _check_groups(expanded)
        found = plan(expanded)
    except PipelineError as error:
        raise invalid(f"{file}: {error}") from error
    _check_connections(organisation, found)
    _check_environments(organisation, found)
    return found


def invalid(message: str) -> RefusalError:
    return RefusalError(400, f"{PIPELINES}.PipelineValidationException", message)


def number_of(found: Plan, variables: Dict[str, str]) -> str:
    """Return the run's number, which must be one that the service takes."""
    known = [Variable(name, value) for name, value in variables.items()]
    known += [Variable(v.name, v.value) for v in found.variables if v.expression is None]
    number = Variables(known).fill(found.number)
    if FORBIDDEN.search(number) or len(number) > LONGEST_NUMBER or number.endswith("."):
        raise invalid(
            f"The build number format string {found.number} generates a build number {number} "
            "which contains invalid character(s), is too long, or ends with '.'. The maximum "
            f"length of a build number is {LONGEST_NUMBER} characters. Characters which are not "
            "allowed include '\"', '/', ':', '<', '>', '\\', '|', '?', '@', and '*'."
        )
    return number


def _check_groups(expanded: Mapping) -> None:
    """Refuse a variable group that is not there; those that are have been left out."""
    for key, node in expanded.entries:
        inner = node.items if isinstance(node, Sequence) else (node,)
        for item in (each for each in inner if isinstance(each, Mapping)):
            if key.text == "variables" and item.get("group") is not None:
                name = text(item, "group")
                raise invalid(
                    f"Variable group {name} could not be found. The variable group does not exist "
                    "or has not been authorized for use. For authorization details, refer to "
                    "https://aka.ms/yamlauthz."
                )
            _check_groups(item)


def _check_connections(organisation: Organisation, found: Plan) -> None:
    for stage in found.stages:
        for job in stage.jobs:
            for step in job.steps:
                name = step.inputs.get("connection", "")
                if name and organisation.connection(name) is None:
                    raise invalid(
                        f"The pipeline is not valid. Job {job.name}: Step input azureSubscription "
                        f"references service connection {name} which could not be found. The "
                        "service connection does not exist, has been disabled or has not been "
                        "authorized for use. For authorization details, refer to "
                        "https://aka.ms/yamlauthz."
                    )


def _check_environments(organisation: Organisation, found: Plan) -> None:
    for stage in found.stages:
        for job in stage.jobs:
            if job.environment and job.environment not in organisation.environments:
                raise invalid(
                    f"Job {job.name}: Environment {job.environment} could not be found. The "
                    "environment does not exist or has not been authorized for use."
                )
