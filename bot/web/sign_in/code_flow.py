"""OpenID Connect's code flow with PKCE: to the provider with a question, back with an answer.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth and RFC 9700.
"""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from bot.errors import SetupError, UnauthenticatedError, UnavailableError
from bot.oidc import Claims, Provider, TokenVerifier
from bot.web.sign_in.attempts import Attempt
from bot.web.sign_in.proofs import Proof

log = logging.getLogger(__name__)

SCOPE = "openid profile"  # the ID token alone; we call nobody in the person's name
_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class CodeFlow:
    """One application at one provider. `verifier` checks its ID tokens."""

    client_id: str
    redirect_uri: str
    provider: Provider
    verifier: TokenVerifier
    proof: Proof

    async def question(self, attempt: Attempt) -> str:
        """Return where to send the browser. Raises `UnavailableError`."""
        metadata = await self.provider.metadata()
        uri: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self.client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            state=attempt.state,
            nonce=attempt.nonce,
            response_mode="query",
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def answer(self, attempt: Attempt, code: str) -> Claims:
        """Return what the ID token says, for a code that the provider sent back.

        Raises `UnauthenticatedError`, `UnavailableError`, `SetupError`.
        """
        endpoint = (await self.provider.metadata()).token_endpoint
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self.redirect_uri,
            code=code,
            client_id=self.client_id,
            code_verifier=attempt.verifier,
            **await self.proof.fields(endpoint),
        )
        claims = await self.verifier.verify(_id_token(await _post(endpoint, body)))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
            raise UnauthenticatedError("The token was made for another attempt to sign in.")
        return claims

    async def way_out(self, return_to: str) -> str:
        """Return where the browser signs out of the provider too; `return_to` if it cannot."""
        end = (await self.provider.metadata()).end_session_endpoint
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": return_to}
        return f"{end}{'&' if '?' in end else '?'}{urlencode(asked)}" if end else return_to


async def _post(endpoint: str, body: str) -> Mapping[str, Any]:
    """Return the token endpoint's answer, whatever its status."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session,
            session.post(endpoint, data=body.encode(), headers=headers) as response,
        ):
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("the token endpoint does not answer: %r", error)
        raise UnavailableError("Signing in does not work just now. Try again soon.") from error
    if not isinstance(answer, dict):
        raise UnavailableError("Signing in does not work just now. Try again soon.")
    return answer


def _id_token(answer: Mapping[str, Any]) -> str:
    """Return the ID token of an answer of the token endpoint."""
    if isinstance(token := answer.get("id_token"), str):
        return token
    fault = str(answer.get("error", "no_id_token"))
    log.warning("no ID token: %s %s", fault, answer.get("error_description", ""))
    if fault in {"invalid_client", "unauthorized_client"}:
        raise SetupError(
            "The bot's own credentials are refused, so nobody can sign in. Tell an admin: "
            "KRSP_CREDENTIAL and what belongs to it need a look."
        )
    if fault in {"server_error", "temporarily_unavailable"}:
        raise UnavailableError("Signing in does not work just now. Try again soon.")
    raise UnauthenticatedError(f"The sign-in was not completed ({fault}). Sign in again.")
