"""Who calls: the members of the organisation, what each may do, and what a token must be."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.azure_twin.devops.answers import BUILD, VSS, RefusalError
from tests.azure_twin.entra.directory import object_id
from tests.azure_twin.entra.tokens import DEVOPS, ENTRA_V1, ENTRA_V2, Claims, TokenError, Tokens
from tests.azure_twin.faults import SIGN_IN_PAGE
from tests.azure_twin.world import BOT_IDENTITY, DEVOPS_ISSUER, DEVOPS_URL, PROJECT

VIEW, QUEUE, STOP, EDIT = "View builds", "Queue builds", "Stop builds", "Update build information"
HOOKS, SUPPORT = "Edit subscriptions", "View subscriptions"
PIPELINE_RIGHTS = frozenset({VIEW, QUEUE, STOP})
BUILD_SERVICE = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{DEVOPS_URL}/build-service"))
SYSTEM = "00000002-0000-8888-8000-000000000000"


@dataclass(frozen=True)
class Identity:
    id: str
    name: str
    unique_name: str = ""

    def reference(self) -> dict[str, Any]:
        """Return it as builds and approvals show people."""
        url = f"https://spsprodweu1.vssps.visualstudio.com/_apis/Identities/{self.id}"
        avatar = f"{DEVOPS_URL}/_apis/GraphProfile/MemberAvatars/aad.{self.id}"
        return {
            "displayName": self.name,
            "url": url,
            "_links": {"avatar": {"href": avatar}},
            "id": self.id,
            "uniqueName": self.unique_name or self.name,
            "imageUrl": avatar,
            "descriptor": f"aad.{self.id}",
        }


SERVICE = Identity(SYSTEM, "Microsoft.VisualStudio.Services.TFS")
BUILDS = Identity(BUILD_SERVICE, f"{PROJECT} Build Service (krsp-lab)", f"Build\\{BUILD_SERVICE}")


@dataclass
class Member:
    """Somebody in the organisation. `pipelines` narrows the rights on pipelines to these ids."""

    identity: Identity
    rights: set[str]
    pipelines: set[int] | None = None
    licence: str = "express"  # which is called Basic; `stakeholder` is none that queues

    def may(self, right: str, pipeline: int | None = None) -> bool:
        is_narrowed = right in PIPELINE_RIGHTS and self.pipelines is not None
        if is_narrowed and pipeline is not None and pipeline not in (self.pipelines or ()):
            return False
        return right in self.rights


@dataclass
class Members:
    """The organisation's members by object id; everybody else is turned away."""

    by_id: dict[str, Member] = field(default_factory=dict)

    def add(self, identity: Identity, *rights: str) -> Member:
        member = self.by_id[identity.id] = Member(identity, set(rights))
        return member


def make_members(people: dict[str, str]) -> Members:
    """Return the organisation as it is at the start; `people` are names by object id."""
    members = Members()
    bot = Identity(object_id(BOT_IDENTITY), "id-krsp-bot", BOT_IDENTITY)
    members.add(bot, VIEW, QUEUE, STOP, EDIT, HOOKS, SUPPORT)
    members.add(BUILDS, VIEW, EDIT)
    for oid, name in people.items():
        members.add(Identity(oid, name), VIEW, QUEUE, STOP)
    return members


class SignInError(Exception):
    """The token is no token for us: a browser would be sent to sign in."""

    def answer(self) -> web.Response:
        return web.Response(status=203, text=SIGN_IN_PAGE, content_type="text/html")


def caller(request: web.Request, tokens: Tokens, members: Members) -> Member:
    """Return who calls; raises RefusalError (401) or SignInError (203)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        raise _unauthorised("The Personal Access Token used is not valid or has expired.")
    if scheme.lower() != "bearer":
        raise SignInError
    claims = _claims(token.strip(), tokens)
    request["claims"] = claims
    member = members.by_id.get(claims.oid)
    if member is None:
        name = claims.client_id or claims.oid
        raise _unauthorised(
            f"TF400813: The user '{name}' is not authorized to access this resource."
        )
    return member


def _claims(token: str, tokens: Tokens) -> Claims:
    try:
        return tokens.check(token, DEVOPS, issuers=(ENTRA_V1, ENTRA_V2, DEVOPS_ISSUER))
    except TokenError as error:
        if error.reason == "expired":
            raise _unauthorised(
                "TF400813: The user is not authorized: the token expired."
            ) from error
        raise SignInError from error


def _unauthorised(message: str) -> RefusalError:
    return RefusalError(
        401, "Microsoft.TeamFoundation.Framework.Server.UnauthorizedRequestException", message
    )


def demand(member: Member, right: str, pipeline: tuple[int, str]) -> None:
    """Raise RefusalError (403) unless the member has `right` on the pipeline (id, name)."""
    number, name = pipeline
    if not member.may(right, number):
        raise RefusalError(
            403,
            f"{BUILD}.AccessDeniedException",
            f"TF215106: Access denied. {member.identity.name} needs {right} permissions for build "
            f"pipeline {number}:{name} in team project {PROJECT} to perform the action. For more "
            "information, contact the Azure DevOps administrator.",
        )


def demand_hooks(member: Member, right: str) -> None:
    """Raise RefusalError (403) unless the member may see or edit service hooks."""
    if not member.may(right):
        raise RefusalError(
            403,
            f"{VSS}.Security.AccessCheckException",
            f"Access Denied: {member.identity.id} needs the following permission(s) on the "
            f"resource PublisherSecurity/{PROJECT} to perform this action: {right}",
        )
