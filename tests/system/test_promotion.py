"""A model promoted on this machine: the bot killed in the middle, a real completion at the end."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.test_kill import Product, listener  # noqa: F401 - the fixture
from tests.trainer.small import SMALL, process_environment, write_colours

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

LIVE_S = 400.0  # on a busy machine; alone it takes about thirty


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model that the real trainer made in a few steps."""
    folder = tmp_path_factory.mktemp("tiny")
    write_colours(folder)
    (folder / "spec.json").write_text(json.dumps({**SMALL, "budget": {"steps": 5}}))
    subprocess.run(
        [sys.executable, "-m", "trainer", "run", "spec.json", "--output", "output"],
        cwd=folder,
        env=process_environment({"KRSP_HOME": str(folder), "KRSP_RUN_ID": "run-20261123-abcdef"}),
        check=True,
        capture_output=True,
    )
    return folder / "output" / "model"


@pytest.fixture
def repository_of_pipelines(tmp_path: Path, repository: Path) -> Path:
    """Return the quick training pipeline beside the real promotion pipeline."""
    root = tmp_path / "repository"
    shutil.copytree(repository / "azure-pipelines", root / "azure-pipelines")
    shutil.copytree(repository / "tests" / "system" / "quick", root / "tests" / "system" / "quick")
    hidden = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "trainer", root / "trainer", ignore=hidden)
    shutil.copy(repository / "tests" / "system" / "quick" / "train.yml", root / "azure-pipelines")
    return root


@pytest.fixture
async def product(tmp_path, free_port, repository, listener, repository_of_pipelines):  # noqa: F811
    home = tmp_path / "home"
    home.mkdir()
    one = Product(home, free_port(), repository, listener)
    one._environment["KRSP_PIPELINE_FILE"] = str(
        repository_of_pipelines / "azure-pipelines" / "train.yml"
    )
    await one.start()
    yield one
    await one.end()
    for pid in home.glob("endpoints/*/*/keeper.pid"):  # a failed test's server
        os.kill(int(pid.read_text()), 15)


async def promotions(product: Product) -> list[dict[str, Any]]:
    return [each["promotion"] for each in (await product.get("/api/v1/promotions"))["promotions"]]


async def trained(product: Product, model: Path) -> str:
    """Return a run that has succeeded, with a model that can be loaded."""
    run_id = await product.plan()
    await product.press_start(run_id)
    await product.finished(run_id)
    shutil.copytree(model, product.home / "jobs" / run_id / "output" / "model")
    return run_id


async def promote(product: Product, text: str) -> str:
    """Say it, press Start; return the promotion's id."""
    plans = product.listener.sent["promotion_plan"]
    await product.say(text=text)
    await product.until(lambda: _is(product.listener.sent["promotion_plan"] > plans))
    post = product.listener.last("promotion_plan")
    data = {
        "action": "promote_start",
        "promotion": post["promotion_id"],
        "run": post["run_id"],
        "order": post["plan"]["order_sha256"],
        "for": post["requester_id"],
        "model": post["model"],
        "endpoint": post["endpoint"],
        "machine": post["plan"]["machine"],
        "hours": f"{post['plan']['hours']:g}",
        "instances": str(post["plan"]["instances"]),
    }
    await product.say(
        type="invoke",
        name="adaptiveCard/action",
        value={"action": {"type": "Action.Execute", "data": data}},
    )
    return str(post["promotion_id"])


async def become(product: Product, promotion_id: str, status: str) -> dict[str, Any]:
    """Return the promotion once it has the status."""
    found: dict[str, Any] = {}

    async def has_come() -> bool:
        found.update({each["id"]: each for each in await promotions(product)})
        now = found.get(promotion_id, {}).get("status")
        assert now in (status, None) or now not in ("failed", "rolled_back"), found[promotion_id]
        return bool(now == status)

    async with asyncio.timeout(LIVE_S):
        while not await has_come():  # noqa: ASYNC110 - another process, so no event to await
            await asyncio.sleep(0.1)
    return dict(found[promotion_id])


async def complete(url: str, model: str) -> tuple[int, str]:
    """Ask the endpoint for a chat completion; return status and text."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "What colour is thing 7?"}],
        "max_tokens": 8,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", json=body) as answer,
    ):
        said = await answer.json()
        choices = said.get("choices")
        return answer.status, choices[0]["message"]["content"] if choices else str(said)


async def _is(value: object) -> bool:
    return bool(value)


def deployed(product: Product, endpoint: str) -> list[str]:
    """Return the colours of an endpoint that are deployed."""
    folder = product.home / "endpoints" / endpoint
    return [path.parent.name for path in folder.glob("*/deployment.json")]


async def test_a_model_is_promoted_called_replaced_and_undeployed(product, model):
    run_id = await trained(product, model)
    promotion_id = await promote(product, f"promote {run_id} as colours hours=2")
    deployment = product.home / "endpoints" / "colours" / "blue" / "deployment.json"
    async with asyncio.timeout(LIVE_S):
        await product.until(lambda: _is(deployment.exists()))
    await product.kill_and_start()

    live = await become(product, promotion_id, "live")
    assert deployed(product, "colours") == ["blue"]
    status, text = await complete(live["url"], "colours")
    assert (status, bool(text)) == (200, True), text
    versions = (await product.get("/api/v1/models"))["versions"]
    assert [(v["model"], v["stage"], v["run_id"]) for v in versions] == [
        ("colours", "production", run_id)
    ]
    assert product.listener.sent["promotion"] == 1
    assert product.listener.sent["promotion_alert"] == 1

    await product.say(text="undeploy colours")
    await become(product, promotion_id, "retired")
    assert deployed(product, "colours") == []
    status, text = await complete(live["url"], "colours")
    assert status == 404
