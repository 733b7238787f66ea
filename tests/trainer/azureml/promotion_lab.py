"""A workspace with one finished job, whose model is promoted."""

import itertools
from pathlib import Path
from typing import Any

from bot.adapters.azure.registry import AzureRegistry
from tests.adapters.azure.ml_world import ml_module, workspace_of
from tests.azure_twin import world as names
from tests.azure_twin.credentials import TwinCredential
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.jobsdk import Workbench
from trainer.azureml.deploying import AzurePlace
from trainer.azureml.registering import Registry
from trainer.azureml.serving_place import ServingPlace
from trainer.contract.azure_job import model_uri
from trainer.contract.promotion import PromotionOrder
from trainer.serving.switch import deploy

IMAGE = "acr.example/krsp-server@sha256:" + "cd" * 32
MAKES_A_MODEL = """
    import pathlib, sys
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
"""
_numbers = itertools.count(1)


class Lab:
    """A workspace with one finished job, and promotions of its model."""

    def __init__(self, azure: RunningTwin, folder: Path) -> None:
        module = ml_module()
        self.azure = azure
        self.credential = TwinCredential(azure.control, names.PIPELINE_IDENTITY)
        self.place = ServingPlace(names.SUBSCRIPTION, names.RESOURCE_GROUP, names.WORKSPACE, IMAGE)
        self.client = self.place.client(self.credential)
        self.run_id = f"run-2026{next(_numbers):04d}-aaaaaa"
        bench = Workbench(azure, self.client, module, folder)
        bench.submit(
            MAKES_A_MODEL,
            name=self.run_id,
            command="python main.py ${{outputs.model}}",
            outputs={
                "model": module.Output(
                    type="uri_folder", mode="upload", path=model_uri(self.run_id)
                )
            },
        )
        assert bench.finish(self.run_id) == "Completed", bench.log(self.run_id)
        self.said: list[str] = []

    def order(self, key: str, **changes: Any) -> PromotionOrder:
        values = {
            "key": key,
            "run_id": self.run_id,
            "job": self.run_id,
            "model": f"m-{self.run_id}",
            "model_sha256": "ef" * 32,
            "endpoint": self.run_id.replace("run-2026", "ep"),
            "machine": "Standard_DS3_v2",
            "hours": 2,
            "lineage": {"krsp.run_id": self.run_id, "krsp.eval_loss": "1.25"},
            **changes,
        }
        return PromotionOrder.model_validate(values)

    def place_of(self, order: PromotionOrder) -> AzurePlace:
        return AzurePlace(order, self.place, self.credential)

    def promote(self, order: PromotionOrder) -> None:
        Registry(self.client).register(order)
        place = self.place_of(order)
        deploy(place.site, order.key, self.said.append)
        place.put_into_production()

    def registry(self) -> AzureRegistry:
        return AzureRegistry(workspace_of(self.azure))
