"""The made-up events that a test notification carries."""

import uuid
from typing import Any

from tests.azure_twin.world import ORGANISATION_ID, PROJECT_ID


def sample(kind: str, at: str | None) -> dict[str, Any]:
    """Return an event of `kind` about nothing that exists."""
    text = f"This is a test of {kind}."
    message = {"text": text, "html": text, "markdown": text}
    return {
        "id": str(uuid.uuid4()),
        "eventType": kind,
        "publisherId": "pipelines",
        "message": message,
        "detailedMessage": dict(message),
        "resource": {"run": {"id": 0, "name": "test", "state": "completed", "result": "succeeded"}},
        "resourceVersion": "5.1-preview.1",
        "resourceContainers": {
            "collection": {"id": ORGANISATION_ID},
            "account": {"id": ORGANISATION_ID},
            "project": {"id": PROJECT_ID},
        },
        "createdDate": at,
    }
