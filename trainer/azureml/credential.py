"""Who we are to Azure: the pipeline's service connection, or the machine's own identity."""

from collections.abc import Mapping

from azure.core.credentials import TokenCredential
from azure.identity import (
    AzurePipelinesCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from trainer.azureml.errors import RefusedError

# `AzureCLI@2` gives the first three to its script; the token must be mapped in the YAML.
# learn.microsoft.com/python/api/azure-identity/azure.identity.azurepipelinescredential
_OF_PIPELINE = {
    "tenant_id": "AZURESUBSCRIPTION_TENANT_ID",
    "client_id": "AZURESUBSCRIPTION_CLIENT_ID",
    "service_connection_id": "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "system_access_token": "SYSTEM_ACCESSTOKEN",
}


def credential_of(env: Mapping[str, str]) -> TokenCredential:
    """Return the credential of this process; it renews its tokens by itself.

    In a pipeline the service connection's, with a federated token file that one's, else the
    managed identity of the machine. None of them holds a secret.
    """
    if env.get("SYSTEM_OIDCREQUESTURI"):
        absent = [name for name in _OF_PIPELINE.values() if not env.get(name)]
        if absent:
            raise RefusedError(
                f"The pipeline does not say who it is: {', '.join(absent)} not set.",
                remedy="Run this in AzureCLI@2 with SYSTEM_ACCESSTOKEN mapped from "
                "$(System.AccessToken).",
            )
        return AzurePipelinesCredential(**{key: env[name] for key, name in _OF_PIPELINE.items()})
    if env.get("AZURE_FEDERATED_TOKEN_FILE"):
        return WorkloadIdentityCredential()
    client_id = env.get("DEFAULT_IDENTITY_CLIENT_ID") or env.get("AZURE_CLIENT_ID")
    return ManagedIdentityCredential(client_id=client_id or None)
