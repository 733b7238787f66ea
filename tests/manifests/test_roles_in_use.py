"""The roles as they are deployed, put on the twin: what the adapters call must be allowed by them.

The twin judges each request by the bearer's role, as Azure would. Another test that has used it may
ask `denied` at its end as well.
"""

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.azure.jobs import AzureJobs
from bot.domain.run import JobState
from manifests.azure.roles import Identity, Table, load, missing
from tests.adapters.azure.ml_world import CLUSTER, ENTRIES, MlTracking, MlWorld
from tests.azure_twin.fixtures import RunningTwin, running_twin
from tests.azure_twin.world import BOT_IDENTITY, COMPUTE_IDENTITY, PIPELINE_IDENTITY

WHO = {"bot": BOT_IDENTITY, "pipeline": PIPELINE_IDENTITY, "compute": COMPUTE_IDENTITY}
RUN = "run-20261123-abcdef"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning"),
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.ChangedInMarshmallow4Warning"),
]


def actions(identity: Identity) -> list[str]:
    """Return everything that an identity may do."""
    return [one for role in identity.roles for one in (*role.actions, *role.data_actions)]


def denied(control: Any) -> list[str]:
    """Return what the twin refused to the identities of the table."""
    names = {client.lower(): name for name, client in WHO.items()}
    uses = control.call("roles.used")
    return sorted(
        {f"{names[use['client_id']]}: {use['action']}" for use in uses if not use["allowed"]}
    )


def used(control: Any, table: Table) -> list[tuple[str, str]]:
    """Return which identity used which action, data actions marked as the table wants them."""
    names = {client.lower(): name for name, client in WHO.items()}
    data = {
        one.lower() for who in table.values() for role in who.roles for one in role.data_actions
    }
    return [
        (names[use["client_id"]], f"data:{what}" if what.lower() in data else what)
        for use in control.call("roles.used")
        if (what := use["action"]) and use["client_id"] in names
    ]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    """Return a twin of its own, since others want its usual, wider grants."""
    with running_twin(tmp_path_factory.mktemp("strict-twin")) as twin:
        yield twin


@pytest.fixture
async def world(
    strict: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MlWorld]:
    for name, value in strict.environment.items():
        monkeypatch.setenv(name, value)
    strict.control.reset()
    table = load()
    for name, client in WHO.items():
        strict.control.call("roles.set", client_id=client, actions=actions(table[name]))
    made = MlWorld.on(strict, tmp_path)
    yield made
    await made.close()


async def test_a_job_is_submitted_watched_read_and_cancelled(
    strict: RunningTwin, world: MlWorld, tmp_path: Path
) -> None:
    world.submit(RUN)
    assert (await world.jobs.observe([RUN]))[RUN].state is JobState.WAITING
    await world.jobs.clusters()
    await world.jobs.advance()
    written = MlTracking(strict, tmp_path, world.real(RUN))
    written.write_losses({1: 2.0, 2: 1.5})
    written.write_log(["a line"])
    await written.tracking.observe([world.real(RUN)])
    await written.tracking.log(world.real(RUN), 0, 10)
    written.close()
    await AzureJobs(world.workspace, ENTRIES).results(world.real(RUN))
    await world.jobs.cancel(RUN)
    await world.settled(RUN)
    settled(strict.control)


def test_the_pipeline_uploads_code_and_data(
    strict: RunningTwin, world: MlWorld, tmp_path: Path
) -> None:
    ml, builders = world._ml, world._builders
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "work.py").write_text("print(1)\n")
    (tmp_path / "rows.jsonl").write_text("{}\n")
    entities = builders.entities
    data = entities.Data(name="rows", version="1", type="uri_file", path=tmp_path / "rows.jsonl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ml.data.create_or_update(data)
        ml.compute.get(CLUSTER)
        ml.jobs.create_or_update(
            builders.command(
                name=world.real("run-20261123-uvwxyz"),
                command="python work.py",
                code=tmp_path / "code",
                environment=entities.Environment(name="e", version="1", image="i@sha256:0"),
                inputs={"rows": builders.Input(type="uri_file", path="azureml:rows:1")},
                compute=CLUSTER,
                experiment_name="krsp",
            )
        )
    settled(strict.control)


def test_a_promotion_registers_a_model_and_makes_an_endpoint(
    strict: RunningTwin, world: MlWorld
) -> None:
    ml, entities = world._ml, world._builders.entities
    path = "azureml://datastores/workspaceblobstore/paths/models/tiny"
    own = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity"
    identity = entities.ManagedIdentityConfiguration(
        resource_id=f"{own}/userAssignedIdentities/id-endpoint"
    )
    table = load()
    strict.control.call(
        "roles.set", client_id=PIPELINE_IDENTITY, actions=actions(table["promotion"])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ml.models.create_or_update(
            entities.Model(name="tiny", version="1", path=path, type="custom_model")
        )
        ml.models.get("tiny", "1")
        endpoint = entities.ManagedOnlineEndpoint(
            name="krsp-roles",
            auth_mode="aad_token",
            identity=entities.IdentityConfiguration(
                type="user_assigned", user_assigned_identities=[identity]
            ),
        )
        ml.online_endpoints.begin_create_or_update(endpoint).result()
        ml.online_endpoints.get("krsp-roles")
        ml.online_endpoints.begin_delete("krsp-roles").result()
    assert denied(strict.control) == []


def settled(control: Any) -> None:
    """Assert that nothing was refused, and that the table names all that was used."""
    table = load()
    seen = used(control, table)
    assert denied(control) == []
    assert len(set(seen)) > 3
    assert missing(table, seen) == []


async def test_the_twin_would_refuse_what_the_table_lacks(
    strict: RunningTwin, world: MlWorld
) -> None:
    table = load()
    without = [one for one in actions(table["bot"]) if not one.endswith("/jobs/read")]
    strict.control.call("roles.set", client_id=BOT_IDENTITY, actions=without)
    with pytest.raises(Exception, match="lacks the right"):
        await world.jobs.observe([RUN])
    assert any("/jobs/read" in one for one in denied(strict.control))
