"""What is asked of Azure ML for an endpoint: decided here, sent by `trainer.azureml.deploying`."""

from azure.ai.ml.entities import (
    Environment,
    IdentityConfiguration,
    ManagedIdentityConfiguration,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    OnlineRequestSettings,
    ProbeSettings,
)

from trainer.azureml.serving_place import ServingPlace
from trainer.contract.model_tags import APP, KEY, MODEL, RUN, VERSION
from trainer.contract.promotion import PromotionOrder

ENVIRONMENT = "krsp-server"
PORT = 8000


def as_endpoint(order: PromotionOrder, place: ServingPlace) -> ManagedOnlineEndpoint:
    """Return a new endpoint: Entra tokens only, so there are no keys to lose."""
    identity = None
    if place.identity:
        identity = IdentityConfiguration(
            type="user_assigned",
            user_assigned_identities=[ManagedIdentityConfiguration(resource_id=place.identity)],
        )
    return ManagedOnlineEndpoint(
        name=order.endpoint,
        auth_mode="aad_token",
        description="A model trained by KRSP.",
        tags={APP: "krsp"},
        identity=identity,
    )


def as_environment(place: ServingPlace) -> Environment:
    """Return the server's environment; its version is the image's digest, so it never changes."""
    health = {"path": "/health", "port": PORT}
    return Environment(
        name=ENVIRONMENT,
        version=place.image.rpartition("@sha256:")[2][:16],
        image=place.image,
        inference_config={
            "liveness_route": health,
            "readiness_route": health,
            "scoring_route": {"path": "/v1/chat/completions", "port": PORT},
        },
    )


def as_deployment(order: PromotionOrder, colour: str, environment: str) -> ManagedOnlineDeployment:
    """Return one colour; the same numbers as manifests/azureml/deployment-blue.yml."""
    return ManagedOnlineDeployment(
        name=colour,
        endpoint_name=order.endpoint,
        model=f"azureml:{order.model}:{order.run_id}",
        environment=f"azureml:{environment}",
        environment_variables={"KRSP_MODEL_NAME": order.model},
        instance_type=order.machine,
        instance_count=order.instances,
        app_insights_enabled=False,
        tags={
            APP: "krsp",
            KEY: order.key,
            RUN: order.run_id,
            MODEL: order.model,
            VERSION: order.run_id,
        },
        request_settings=OnlineRequestSettings(
            request_timeout_ms=90_000, max_concurrent_requests_per_instance=4
        ),
        # Loading a model of some gigabytes takes minutes.
        liveness_probe=ProbeSettings(
            initial_delay=600, period=30, timeout=10, failure_threshold=10
        ),
        readiness_probe=ProbeSettings(
            initial_delay=30, period=10, timeout=10, failure_threshold=60
        ),
    )
