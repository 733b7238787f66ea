"""What Entra's tokens say about who: a person with a role, or a service with one.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from bot.domain.people import Person, Role, ServiceIdentity
from bot.errors import ForbiddenError, UnauthenticatedError
from bot.oidc import Claims

# The app roles of the registration, the one that may most first (manifests/azure).
PERSON_ROLES = {"Admin": Role.ADMIN, "Approver": Role.APPROVER, "Researcher": Role.RESEARCHER}
SERVICE_ROLE = "Pipeline"
SCOPE = "access_as_user"
_LONGEST_NAME = 120


class NoRoleError(ForbiddenError):
    """Somebody of the tenant who was given no role here."""

    code = "no_role"

    def __init__(self, message: str, person_id: str) -> None:
        super().__init__(message)
        self.person_id = person_id


def person_of(claims: Claims, tenant: str) -> Person:
    """Return the person with the strongest of their roles.

    Raises `UnauthenticatedError` for another tenant's token or one without an object id,
    `NoRoleError` for somebody to whom no role was assigned.
    """
    person_id = _object_id(claims, tenant)
    said = _text(claims, "name") or _text(claims, "preferred_username") or person_id
    name = " ".join(said.split())[:_LONGEST_NAME]
    given = _roles(claims)
    role = next((role for value, role in PERSON_ROLES.items() if value in given), None)
    if role is None:
        raise NoRoleError(
            f"{name} has no role here. An administrator of Entra ID can assign one of "
            f"{', '.join(PERSON_ROLES)} under Enterprise applications, Users and groups; "
            "sign in again afterwards.",
            person_id,
        )
    return Person(person_id, tenant, name, role)


def person_of_access_token(claims: Claims, tenant: str, issuer: str) -> Person:
    """Return the person for whom Teams asked for a token to this service, and nothing else."""
    if claims.get("iss") != issuer:
        raise UnauthenticatedError("The token is not of version 2.0.")
    if SCOPE not in _text(claims, "scp").split():
        raise UnauthenticatedError(f"The token lacks the scope {SCOPE}.")
    return person_of(claims, tenant)


def service_of(claims: Claims, tenant: str, allowed: frozenset[str]) -> ServiceIdentity:
    """Return the service that asked for the token in its own name.

    Raises `ForbiddenError` for one without the role, or that the settings do not name.
    """
    service_id = _object_id(claims, tenant)
    # `idtyp` is optional; without it, such a token is its own subject.
    kind = claims.get("idtyp", "app" if claims.get("sub") == service_id else "user")
    if "scp" in claims or kind != "app":
        raise UnauthenticatedError("The token is not a service's own.")
    client_id = (_text(claims, "azp") or _text(claims, "appid")).lower()
    if SERVICE_ROLE not in _roles(claims):
        raise ForbiddenError(f"The service {client_id} lacks the app role {SERVICE_ROLE}.")
    if client_id not in allowed:
        raise ForbiddenError(
            f"The service {client_id} is not one of KRSP_SERVICE_CLIENTS; an admin can add it."
        )
    return ServiceIdentity(client_id, service_id, tenant)


def _object_id(claims: Claims, tenant: str) -> str:
    """Return `oid`, which names the account in the tenant; `sub` differs between applications."""
    if _text(claims, "tid").lower() != tenant:
        raise UnauthenticatedError("The token is of another tenant.")
    object_id = _text(claims, "oid")
    if not object_id:
        raise UnauthenticatedError("The token does not say whose it is (oid).")
    return object_id


def _roles(claims: Claims) -> frozenset[str]:
    roles = claims.get("roles")
    given = roles if isinstance(roles, list) else []
    return frozenset(role for role in given if isinstance(role, str))


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
