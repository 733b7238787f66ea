"""The public names that the twin answers for; every other name is refused."""

from fnmatch import fnmatchcase

from tests.azure_twin.world import REGION

ARM = "management.azure.com"
ENTRA = "login.microsoftonline.com"
INFERENCE = f".{REGION}.inference.ml.azure.com"
BLOB = ".blob.core.windows.net"
BOT_FRAMEWORK = ("login.botframework.com", "api.botframework.com")

# As they stand in the certificate: a star is one label. The first match of `service` decides.
SERVICES = {
    ARM: "arm",
    ENTRA: "entra",
    "login.botframework.com": "botframework",
    "api.botframework.com": "botframework",
    "dev.azure.com": "devops",
    "*.dev.azure.com": "devops",
    "*.visualstudio.com": "devops",
    "*.vssps.visualstudio.com": "devops",
    "*.pkgs.visualstudio.com": "devops",
    f"*{BLOB}": "blob",
    "*.api.azureml.ms": "dataplane",
    f"*.workspace.{REGION}.api.azureml.ms": "dataplane",
    f"*{INFERENCE}": "inference",
}
# Allowed by the proxy and in the certificate, but nothing answers for them yet: 501.
UNANSWERED = ("graph.microsoft.com", "*.vault.azure.net", "ml.azure.com")

NAMES = (*SERVICES, *UNANSWERED)


def is_known(host: str) -> bool:
    """Return whether the twin stands in for `host`."""
    return any(fnmatchcase(host.lower(), name) for name in NAMES)


def service(host: str) -> str | None:
    """Return which service of the twin answers for `host`."""
    found = (kind for name, kind in SERVICES.items() if fnmatchcase(host.lower(), name))
    return next(found, None)
