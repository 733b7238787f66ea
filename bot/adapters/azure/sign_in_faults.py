"""What Entra says when it gives no token, in words and with what to do."""

import re

from bot.errors import AccessError, BotError, UnavailableError

# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_CODES = {
    "90002": "there is no such directory; check KRSP_TENANT_ID",
    "900023": "there is no such directory; check KRSP_TENANT_ID",
    "700016": "the directory knows no application of this client id; check KRSP_TENANT_ID and "
    "KRSP_IDENTITY_CLIENT_ID, they may belong to different directories",
    "7000112": "the application is disabled; an administrator can enable it in Entra",
    "7000215": "the client secret is wrong; check KRSP_CLIENT_SECRET (its value, not its id)",
    "7000222": "the client secret has expired; make a new one and set KRSP_CLIENT_SECRET",
    "7000216": "a secret or certificate is needed; check KRSP_CREDENTIAL",
    "700024": "the assertion is too old or too new; check this machine's clock",
    "700027": "the certificate is not one of the application's; upload its public part, or check "
    "KRSP_CERTIFICATE_FILE",
    "70021": "no federated credential matches; compare issuer, subject and audience",
    "700211": "no federated credential has this issuer; compare the identity's",
    "700212": "no federated credential has this audience; it must be api://AzureADTokenExchange",
    "700213": "no federated credential has this subject; compare the identity's",
    "500011": "the directory does not know that service; it may be the wrong one (KRSP_TENANT_ID)",
    "501051": "the identity has no role for that service; an administrator must assign one",
    "53003": "a Conditional Access policy blocks it; an administrator must exclude this identity",
    "65001": "nobody has consented; an administrator must grant consent to the application",
    "650057": "the application may not ask for that service; add it to its API permissions",
}
_FOR_NOW = {"90033", "90013", "90024", "50196", "900144"}  # Entra itself is not well, or throttles


def of_entra(said: str, status: int | None, who: str) -> BotError:
    """Return the error for a token that was not given; `said` is only read, never repeated."""
    found = re.search(r"AADSTS(\d{5,7})", said)
    code = found[1] if found else ""
    if code in _FOR_NOW or status == 429 or (status or 0) >= 500:
        return UnavailableError(f"Entra ID gives {who} no token just now. It is tried again.")
    if code:
        why = _CODES.get(code, "look the code up at https://login.microsoftonline.com/error")
        return AccessError(f"Entra ID gives {who} no token (AADSTS{code}): {why}.")
    if "authority configuration" in said or "tenant name or GUID" in said:
        return AccessError(f"Entra ID gives {who} no token: {_CODES['90002']}.")
    return AccessError(
        f"No token for {who}: {_unavailable(said)}. Check KRSP_CREDENTIAL and the identity that "
        f"this machine or container has."
    )


def _unavailable(said: str) -> str:
    text = said.lower()
    if "managed identity" in text or "imds" in text:
        return "there is no managed identity of this client id here"
    if "workload" in text or "federated" in text or "token file" in text:
        return "there is no federated token here (AZURE_FEDERATED_TOKEN_FILE)"
    return "the credential could not be used"
