"""What exists in the twin's Azure: one tenant, one workspace, one Azure DevOps project."""

TENANT = "7e1f0a52-3c64-4f0d-9a0e-5d3b8f6c1a00"
SUBSCRIPTION = "b40c2f61-8d0e-4d57-9a31-27c1f0e5aa01"
RESOURCE_GROUP = "rg-krsp"
WORKSPACE = "mlw-krsp"
WORKSPACE_ID = "5e0d9f4a-1b52-47c8-8a1d-0f6e3c2b7a02"
REGION = "westeurope"
STORAGE = "stkrsplab"

ORGANISATION = "krsp-lab"
DEVOPS_URL = f"https://dev.azure.com/{ORGANISATION}"
PROJECT = "training"
PROJECT_ID = "d0a4c1f7-92be-4e36-8f57-6b1a3e9c4d03"
PIPELINES = {"train": 11, "promote": 12, "ci": 13, "scheduled": 14, "deploy": 15}
SERVICE_CONNECTION = "krsp-training"
SERVICE_CONNECTION_ID = "c2b7e8d1-6f43-4a95-b0c8-9e5d2f1a7b04"

# Applications and identities, by client id.
BOT_APP = "1f9c6b3e-7a20-4d8b-9e41-c05a8d2f6e05"  # the bot's registration: Teams, web sign-in, API
BOT_IDENTITY = "2a8d7c4f-8b31-4e9c-8f52-d16b9e3a7f06"  # the bot's managed identity
PIPELINE_IDENTITY = "3b9e8d50-9c42-4fad-9063-e27caf4b8007"  # the service connection's identity
COMPUTE_IDENTITY = "4caf9e61-ad53-40be-a174-f38db05c9108"  # the cluster's managed identity

CLUSTERS = {
    "cpu-small": {"sku": "Standard_DS3_v2", "priority": "Dedicated", "nodes": 2},
    "t4-low": {"sku": "Standard_NC4as_T4_v3", "priority": "LowPriority", "nodes": 4},
    "a100": {"sku": "Standard_NC24ads_A100_v4", "priority": "Dedicated", "nodes": 2},
}

WORKSPACE_PATH = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)

# What hangs on the applications above. None of it is a secret of anybody.
BOT_APP_SECRET = "twin-bot-app-secret"
BOT_API = f"api://{BOT_APP}"
ORGANISATION_ID = "6e2f4b8c-0d17-4a53-b9e6-8c1d7f3a2b0a"
DEVOPS_APP = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps itself, in every tenant

STORAGE_KEY = "a3JzcC1sYWItdHdpbi1zdG9yYWdlLWtleS1rcnNwLWxhYi10d2luLXN0b3JhZ2Uta2V5LWtyc3AtbGFiLXQ="
BLOB_STORE = f"azureml-blobstore-{WORKSPACE_ID}"
ARTIFACT_STORE = "azureml"

# Who signs the tokens that are exchanged for one of Entra's.
DEVOPS_ISSUER = f"https://vstoken.dev.azure.com/{ORGANISATION_ID}"
PIPELINE_SUBJECT = f"sc://{ORGANISATION}/{PROJECT}/{SERVICE_CONNECTION}"
CLUSTER_ISSUER = (
    f"https://{REGION}.oic.prod-aks.azure.com/{TENANT}/0b7e4c61-2f39-4d8a-95c3-1e6f8a0d3c0b/"
)
BOT_SUBJECT = "system:serviceaccount:krsp:bot"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
