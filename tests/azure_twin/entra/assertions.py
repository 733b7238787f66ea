"""How an application proves who it is: secret, certificate, or a federated token."""

import base64
from collections.abc import Mapping

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.azure_twin.entra.directory import Application, Federation
from tests.azure_twin.entra.errors import EntraError
from tests.azure_twin.entra.tokens import ENTRA_V2, TokenError, Tokens
from tests.azure_twin.world import TENANT

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# A certificate's assertion names the token endpoint, or the tenant, as its audience.
OWN_AUDIENCES = (
    f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
    f"https://login.microsoftonline.com/{TENANT}/oauth2/token",
    ENTRA_V2,
)
FEDERATION_HELP = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented "
    "assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


def authenticate(application: Application, form: Mapping[str, str], tokens: Tokens) -> None:
    """Raise EntraError unless `form` proves to be from `application`."""
    if form.get("client_assertion_type") == ASSERTION and form.get("client_assertion"):
        _check_assertion(application, form["client_assertion"], tokens)
    elif "client_secret" in form:
        _check_secret(application, form["client_secret"])
    else:
        raise EntraError(
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'.",
        )


def _check_secret(application: Application, secret: str) -> None:
    if secret not in application.secrets:
        raise EntraError(
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{application.client_id}'.",
        )


def _check_assertion(application: Application, assertion: str, tokens: Tokens) -> None:
    try:
        unread = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise EntraError(50027, f"JWT token is invalid or malformed: {error}.") from error
    if unread.get("iss") == application.client_id:
        _check_certificate(application, assertion, tokens)
    else:
        _check_federated(application, assertion, unread, tokens)


def _check_certificate(application: Application, assertion: str, tokens: Tokens) -> None:
    header = jwt.get_unverified_header(assertion)
    certificate = _registered(application, header)
    if certificate is None:
        raise EntraError(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered "
            "on application. [Reason - The key was not found.]",
        )
    try:
        body = jwt.decode(
            assertion,
            certificate.public_key(),  # type: ignore[arg-type]
            algorithms=["RS256", "PS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False},
        )
    except jwt.InvalidTokenError as error:
        raise EntraError(
            700027, f"Client assertion failed signature validation: {error}"
        ) from error
    if body.get("aud") not in OWN_AUDIENCES or body.get("sub") != application.client_id:
        raise EntraError(700023, "Client assertion audience claim does not match Realm issuer.")
    _check_lifetime(body, tokens)


def _registered(application: Application, header: Mapping[str, str]) -> x509.Certificate | None:
    """Return the certificate whose thumbprint the assertion's header names."""
    # MSAL leaves the padding on.
    named = {str(header.get(key) or "").rstrip("=") for key in ("x5t", "x5t#S256")}
    for certificate in application.certificates:
        prints = (
            certificate.fingerprint(hashes.SHA1()),  # noqa: S303 - what x5t is
            certificate.fingerprint(hashes.SHA256()),
        )
        if named & {base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in prints}:
            return certificate
    return None


def _check_federated(
    application: Application, assertion: str, unread: Mapping[str, object], tokens: Tokens
) -> None:
    matching = _match(application.federations, unread)
    try:
        body = tokens.check(assertion, matching.audience, issuers=(matching.issuer,))
    except TokenError as error:
        if error.reason == "expired":
            _check_lifetime(unread, tokens)
        raise EntraError(
            5002727, f"Invalid JWT header or signature in the assertion: {error}"
        ) from error
    _check_lifetime(body.raw, tokens)


def _match(federations: list[Federation], unread: Mapping[str, object]) -> Federation:
    """Return the federation for an assertion; issuer, subject and audience are case-sensitive."""
    issuer, subject = unread.get("iss"), unread.get("sub")
    by_issuer = [one for one in federations if one.issuer == issuer]
    if not by_issuer:
        raise EntraError(
            700211,
            "No matching federated identity record found for presented assertion issuer "
            f"'{issuer}'. {FEDERATION_HELP}",
        )
    by_subject = [one for one in by_issuer if one.subject == subject]
    if not by_subject:
        raise EntraError(
            700213,
            "No matching federated identity record found for presented assertion subject "
            f"'{subject}'. {FEDERATION_HELP}",
        )
    for one in by_subject:
        if one.audience == unread.get("aud"):
            return one
    raise EntraError(
        700212,
        "No matching federated identity record found for presented assertion audience "
        f"'{unread.get('aud')}'. {FEDERATION_HELP}",
    )


def _check_lifetime(body: Mapping[str, object], tokens: Tokens) -> None:
    now, ends, begins = tokens.clock.seconds(), body.get("exp", 0), body.get("nbf", 0)
    if now >= float(str(ends)) or now < float(str(begins)) - 300:
        raise EntraError(
            700024,
            "Client assertion is not within its valid time range. "
            f"Current time: {tokens.clock.stamp()}.",
        )
