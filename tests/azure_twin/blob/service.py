"""*.blob.core.windows.net: tokens and data roles are checked here, the rest is Azurite's."""

import ssl

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.azure_twin.context import TwinContext
from tests.azure_twin.entra.tokens import STORAGE, TokenError
from tests.azure_twin.roles import Roles
from tests.azure_twin.world import TENANT

# Of the connection, not of the message.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection"}
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
VERSION = "2021-12-02"


class BlobService:
    def __init__(
        self, twin: TwinContext, roles: Roles, *, port: int, trust: ssl.SSLContext
    ) -> None:
        self._twin = twin
        self._roles = roles
        self._upstream = f"https://127.0.0.1:{port}"
        self._trust = trust

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").lower().startswith("bearer "):
            refused = self._check(request)
            if refused is not None:
                return refused
        return await self._forward(request)

    def _check(self, request: web.Request) -> web.Response | None:
        """Return the refusal of a bearer token, or None for a good one."""
        try:
            claims = self._twin.tokens.verify(request, STORAGE)
        except TokenError as error:
            challenge = (
                f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"
                f"/oauth2/authorize resource_id={STORAGE}"
            )
            return storage_error(
                401, "InvalidAuthenticationInfo", str(error), **{"WWW-Authenticate": challenge}
            )
        action = blob_action(request)
        request["action"] = action
        if self._roles.allows(claims, method=request.method, path=request.path, action=action):
            return None
        return storage_error(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )

    async def _forward(self, request: web.Request) -> web.Response:
        """Send the request on; Azurite takes the account from the Host header."""
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in HOP_BY_HOP | {"content-length", "accept-encoding"}
        )
        data = await request.read()
        if data or request.method in {"PUT", "POST"}:
            headers["Content-Length"] = str(len(data))
        async with self._twin.http.request(
            request.method,
            URL(self._upstream + request.raw_path, encoded=True),
            headers=headers,
            data=data,
            ssl=self._trust,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type", "Accept-Encoding"),
        ) as answer:
            body = await answer.read()
            kept = CIMultiDict(
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in HOP_BY_HOP
            )
            if request.method != "HEAD":
                kept.popall("Content-Length", None)
            return web.Response(status=answer.status, headers=kept, body=body or None)


def blob_action(request: web.Request) -> str:
    """Return the data action that a request to a container or a blob needs."""
    is_blob = request.path.strip("/").count("/") >= 1
    if request.method in {"GET", "HEAD"}:
        listing = request.query.get("comp") == "list" or is_blob
        return f"{CONTAINERS}/blobs/read" if listing else f"{CONTAINERS}/read"
    if request.method == "DELETE":
        return f"{CONTAINERS}/blobs/delete" if is_blob else f"{CONTAINERS}/delete"
    return f"{CONTAINERS}/blobs/write" if is_blob else f"{CONTAINERS}/write"


def storage_error(status: int, code: str, message: str, **headers: str) -> web.Response:
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
        f"<Message>{message}</Message></Error>"
    )
    return web.Response(
        status=status,
        text=text,
        content_type="application/xml",
        headers={"x-ms-error-code": code, "x-ms-version": VERSION, **headers},
    )
