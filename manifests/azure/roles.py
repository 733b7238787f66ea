"""Read roles.yaml, and write what is made of it: roles.json for Bicep, and the reference page.

python -m manifests.azure.roles [--check]
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
TABLE = FOLDER / "roles.yaml"
JSON = FOLDER / "roles.json"
PAGE = ROOT / "docs" / "reference" / "azure-roles.md"

Scope = Literal["workspace", "subscription", "storage", "vault", "registry", "endpointIdentity"]
# No wildcard: a right that nobody has named is nobody's.
Action = Annotated[str, Field(pattern=r"^Microsoft(\.\w+)+(/\w+)+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Right(_Part):
    """What one call of ours needs; `guess` where nobody has documented it.

    Not `deployed`: Microsoft's list does not know the action, so no role definition may name it.
    """

    call: str
    actions: tuple[Action, ...] = ()
    data_actions: tuple[Action, ...] = ()
    why: str
    guess: bool = False
    deployed: bool = True


class CustomRole(_Part):
    """A role of our own, with least rights."""

    role: str
    scope: Scope
    rights: tuple[Right, ...]

    @property
    def actions(self) -> list[str]:
        """Return each action once, sorted, also those that cannot be deployed."""
        return sorted({action for right in self.rights for action in right.actions})

    @property
    def deployed_actions(self) -> list[str]:
        """Return each action that the role definition names, sorted."""
        known = [right for right in self.rights if right.deployed]
        return sorted({action for right in known for action in right.actions})

    @property
    def data_actions(self) -> list[str]:
        """Return each data action once, sorted."""
        return sorted({action for right in self.rights for action in right.data_actions})


class BuiltinRole(_Part):
    """A role of Microsoft's."""

    role: str
    id: str
    scope: Scope
    why: str


class Permission(_Part):
    """What one call of ours needs in Azure DevOps."""

    call: str
    permission: str
    why: str


class Identity(_Part):
    """All that one identity may do."""

    what: str
    roles: tuple[CustomRole, ...]
    builtin: tuple[BuiltinRole, ...]
    devops: tuple[Permission, ...]


Table = dict[str, Identity]


def load(path: Path = TABLE) -> Table:
    """Return the table."""
    body = yaml.safe_load(path.read_text("utf-8"))
    return {name: Identity.model_validate(identity) for name, identity in body.items()}


def missing(table: Table, seen: Iterable[tuple[str, str]]) -> list[str]:
    """Return which recorded calls (identity, action) no role of that identity allows.

    Azure compares actions without regard to case. A data action is `data:<action>`.
    """
    allowed = {name: _allowed(identity) for name, identity in table.items()}
    return sorted(
        {f"{who}: {what}" for who, what in seen if what.lower() not in allowed.get(who, set())}
    )


def _allowed(identity: Identity) -> set[str]:
    plain = {action.lower() for role in identity.roles for action in role.actions}
    data = {f"data:{action.lower()}" for role in identity.roles for action in role.data_actions}
    return plain | data


def as_json(table: Table) -> str:
    """Return what roles.bicep loads: `<identity>_<scope>` -> name, actions, dataActions.

    Those of the subscription come apart: another deployment scope makes them.
    """
    groups: dict[str, dict[str, object]] = {"resourceGroup": {}, "subscription": {}}
    for name, identity in table.items():
        for role in identity.roles:
            group = "subscription" if role.scope == "subscription" else "resourceGroup"
            groups[group][f"{name}_{role.scope}"] = {
                "name": role.role,
                "actions": role.deployed_actions,
                "dataActions": role.data_actions,
            }
    return json.dumps(groups, indent=2) + "\n"


def as_page(table: Table) -> str:
    """Return docs/reference/azure-roles.md."""
    chapters = "\n\n".join(_chapter(name, identity) for name, identity in table.items())
    return _HEAD + chapters + "\n"


_HEAD = """<!-- Written by `python -m manifests.azure.roles`; do not edit. -->
# What each identity may do in Azure

**Unproven on Azure.** The names are those of Microsoft's list of operations, and a test holds the
table against every request that the Azure twin sees; no subscription has allowed or refused a call
of ours yet. Where the list names no action for a call, the table says *guess*. After the first
deployment, read the activity log for `AuthorizationFailed` and correct
`manifests/azure/roles.yaml`: this page and the role definitions in
`manifests/azure/modules/roles.bicep` come from it.

Nobody has a key: storage and registry refuse shared keys and passwords, PostgreSQL takes Entra
tokens alone.

"""


def _chapter(name: str, identity: Identity) -> str:
    parts = [f"## {name}", identity.what]
    parts += [_role(role) for role in identity.roles]
    if identity.builtin:
        built = [(f"{one.role} (`{one.id}`)", str(one.scope), one.why) for one in identity.builtin]
        parts.append("### Built-in roles\n\n" + _table(("role", "scope", "why"), built))
    if identity.devops:
        rows = [(f"`{one.call}`", one.permission, one.why) for one in identity.devops]
        parts.append("### In Azure DevOps\n\n" + _table(("call", "permission", "why"), rows))
    return "\n\n".join(parts)


def _role(role: CustomRole) -> str:
    rows = [(right.call, _names(right), right.why + _marks(right)) for right in role.rights]
    return f"### {role.role} (scope: {role.scope})\n\n" + _table(("call", "actions", "why"), rows)


def _marks(right: Right) -> str:
    marks = (" *Guess.*" if right.guess else "", "" if right.deployed else " *Not deployed.*")
    return "".join(marks)


def _names(right: Right) -> str:
    plain = [f"`{action}`" for action in right.actions]
    return "<br>".join(plain + [f"data: `{action}`" for action in right.data_actions])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def main() -> int:
    """Write both files, or with `--check` say which is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what is old")
    check = parser.parse_args().check
    table = load()
    old = []
    for path, text in ((JSON, as_json(table)), (PAGE, as_page(table))):
        if path.exists() and path.read_text("utf-8") == text:
            continue
        old.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, "utf-8")
    if check and old:
        print(
            f"Out of date: {', '.join(old)}. Run python -m manifests.azure.roles.", file=sys.stderr
        )
        return 1
    print("\n".join(f"wrote {name}" for name in old) or "roles.json and the page are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
