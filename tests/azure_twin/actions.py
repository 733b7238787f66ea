"""Which permission a request to Azure Resource Manager or to the workspace's data plane needs."""

import re

PROVIDER = "Microsoft.MachineLearningServices"
VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}

# ARM's rule: the types along the path, then read, write, delete, or the name of a POST.
_ARM = re.compile(r".*/providers/(?P<provider>[^/]+)/(?P<rest>.+)", re.IGNORECASE)

# The data plane has no such rule. [guess] These are the documented actions that fit best
# (learn.microsoft.com, "Manage access to Azure Machine Learning workspaces").
_DATA_PLANE = (
    ("GET", r"/history/.*", "workspaces/experiments/runs/read"),
    ("POST", r"/history/.*/(rundata|.*query)", "workspaces/experiments/runs/read"),
    ("PATCH", r"/history/.*", "workspaces/experiments/runs/write"),
    ("POST", r"/data/.*", "workspaces/data/versions/read"),
    ("POST", r"/modelregistry/.*", "workspaces/models/versions/read"),
    ("POST", r"/mlflow/.*/(runs/search|experiments/search)", "workspaces/experiments/runs/read"),
    ("GET", r"/mlflow/.*/experiments/.*", "workspaces/experiments/read"),
    ("POST", r"/mlflow/.*/experiments/.*", "workspaces/experiments/write"),
    ("GET", r"/mlflow/.*", "workspaces/experiments/runs/read"),
    ("POST", r"/mlflow/.*", "workspaces/experiments/runs/write"),
)


def arm_action(method: str, path: str) -> str | None:
    """Return e.g. `Microsoft.MachineLearningServices/workspaces/jobs/write`.

    Names drop out: `.../workspaces/mlw/jobs/j1` is the type `workspaces/jobs`. A POST's last
    segment is the action; GET on a collection reads its type.
    """
    found = _ARM.fullmatch(path.rstrip("/"))
    if found is None:
        return None
    segments = found["rest"].split("/")
    if method == "POST":
        *segments, operation = segments
        types = "/".join(segments[::2])
        return f"{found['provider']}/{types}/{operation}/action"
    verb = VERBS.get(method)
    return None if verb is None else f"{found['provider']}/{'/'.join(segments[::2])}/{verb}"


def data_plane_action(method: str, path: str) -> str | None:
    for verb, pattern, action in _DATA_PLANE:
        if verb == method and re.fullmatch(pattern, path, re.IGNORECASE):
            return f"{PROVIDER}/{action}"
    return None


def covers(pattern: str, action: str) -> bool:
    """Return whether a role's entry, with its stars, covers an action; case does not matter."""
    expression = re.escape(pattern).replace(r"\*", ".*")
    return re.fullmatch(expression, action, re.IGNORECASE) is not None
