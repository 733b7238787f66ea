"""The public names that the twin answers for; every other name is refused."""

import re

from tests.azure_twin.world import REGION

ARM = "management.azure.com"
ENTRA = "login.microsoftonline.com"
INFERENCE = f".{REGION}.inference.ml.azure.com"
BLOB = ".blob.core.windows.net"

# As they stand in the certificate: a star is one label. Telemetry (dc.services.visualstudio.com)
# matches none of them, so it is refused.
SERVICES = {
    ARM: "arm",
    ENTRA: "entra",
    "login.botframework.com": "botframework",
    "api.botframework.com": "botframework",
    "dev.azure.com": "devops",
    "*.dev.azure.com": "devops",
    "*.visualstudio.com": "devops",
    "*.vssps.visualstudio.com": "devops",
    f"*{BLOB}": "blob",
    "*.api.azureml.ms": "dataplane",
    f"*.workspace.{REGION}.api.azureml.ms": "dataplane",
    f"*{INFERENCE}": "inference",
}
# Allowed by the proxy and in the certificate, but nothing answers for them: 501.
UNANSWERED = ("graph.microsoft.com", "*.vault.azure.net", "ml.azure.com")

NAMES = (*SERVICES, *UNANSWERED)


def _matches(name: str, host: str) -> bool:
    return re.fullmatch(re.escape(name).replace(r"\*", "[^.]+"), host.lower()) is not None


def is_known(host: str) -> bool:
    """Return whether the twin stands in for `host`."""
    return any(_matches(name, host) for name in NAMES)


def service(host: str) -> str | None:
    """Return which service of the twin answers for `host`."""
    return next((kind for name, kind in SERVICES.items() if _matches(name, host)), None)
