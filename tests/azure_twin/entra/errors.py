"""Errors as Microsoft Entra words them."""

import uuid

from aiohttp import web


class EntraError(Exception):
    """A refused token request: `code` is the number behind AADSTS."""

    def __init__(self, code: int, message: str, *, error: str = "invalid_client") -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.status = 400 if error in {"invalid_grant", "invalid_request"} else 401

    def answer(self, stamp: str) -> web.Response:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        text = (
            f"AADSTS{self.code}: {self} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}"
        )
        body = {
            "error": self.error,
            "error_description": text,
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return web.json_response(body, status=self.status)


def unknown_application(client_id: str) -> EntraError:
    return EntraError(
        700016,
        f"Application with identifier '{client_id}' was not found in the directory 'krsp-lab'. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant.",
        error="unauthorized_client",
    )


def unknown_tenant(tenant: str) -> EntraError:
    return EntraError(
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud.",
        error="invalid_request",
    )
