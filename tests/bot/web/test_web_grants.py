"""POST /api/v1/grants: for the pipeline's identity alone."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse

from bot.adapters.grant_signer import GrantSigner, new_key
from bot.adapters.memory import MemoryStore
from bot.service.grants import Grants
from tests.bot.core.test_grants import RUN
from tests.bot.web.entra_lab import PUBLIC, Browser, Entra, LabSettings
from trainer.azureml.grant import public_key, verified
from trainer.contract.grant import PATH, GrantRequest

IMAGE = "acr.example/krsp-trainer@sha256:" + "ab" * 32
ASKED = GrantRequest(
    name="run-20261123-aaaaaa", spec_sha256="a" * 64, code_sha256="c" * 64, image=IMAGE
)
SIGNER = GrantSigner(new_key())


@pytest.fixture
async def granting(make_site: Callable[..., Any], entra: Entra) -> AsyncIterator[Any]:
    """Return a site of the azure profile that grants by its own store."""
    store = MemoryStore()
    grants = Grants(store, entra.clock, image=IMAGE, sign=SIGNER.sign)
    cloud = {"profile": "azure", "public_url": PUBLIC, "clock": entra.clock, "grants": grants}
    async with make_site(sign_in=LabSettings(authority=entra.url), **cloud) as site:
        site.granted_from = store
        yield site


async def ask(site: Any, token: str | None, asked: GrantRequest = ASKED) -> ClientResponse:
    headers = {} if token is None else {"Authorization": f"Bearer {token}", "Origin": None}
    return await Browser(site).post(PATH, asked.model_dump(), **headers)


async def test_nobody_and_no_person_gets_a_grant(granting: Any, entra: Entra) -> None:
    await granting.refused(await ask(granting, None), 401, "unauthenticated")
    await granting.refused(await ask(granting, entra.access_token()), 401, "unauthenticated")


async def test_the_pipeline_is_told_that_nobody_asked_for_the_run(
    granting: Any, entra: Entra
) -> None:
    answer = await ask(granting, entra.service_token())
    body = await granting.refused(answer, 404, "not_found")
    assert "Nobody asked for the run" in body["detail"]


async def test_the_pipeline_gets_a_grant_that_the_trainer_accepts(
    granting: Any, entra: Entra
) -> None:
    run = replace(RUN, id=ASKED.name, created_at=entra.clock.now())
    await granting.granted_from.add_run(run, (), ())
    asked = ASKED.model_copy(update={"spec_sha256": run.spec_sha256})
    answer = await ask(granting, entra.service_token(), asked)
    assert answer.status == 200, await answer.text()
    grant = (await answer.json())["grant"]
    now = entra.clock.now().timestamp
    assert verified(grant, asked, public_key(SIGNER.public_text), now).run_id == run.id
