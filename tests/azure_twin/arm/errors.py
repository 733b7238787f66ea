"""Errors as Azure Resource Manager and Azure ML word them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from typing_extensions import override


@dataclass
class ArmError(Exception):
    """An answer of 4xx; `inner` is Azure ML's own code behind the general `code`."""

    status: int
    code: str
    message: str
    inner: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @override
    def __str__(self) -> str:
        return self.message

    def answer(self) -> web.Response:
        return web.json_response(self.body(), status=self.status, headers=dict(self.headers))

    def body(self) -> dict[str, Any]:
        more: list[dict[str, Any]] = []
        if self.inner:
            nested: dict[str, Any] | None = None
            for code in reversed(self.inner):
                nested = {"code": code, "innerError": nested}
            more.append({"type": "InnerError", "info": {"value": nested}})
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "details": [],
                "additionalInfo": more,
            }
        }


def not_found(what: str) -> ArmError:
    return ArmError(404, "UserError", f"{what} was not found.", inner=("NotFound",))


def bad_request(message: str, *inner: str) -> ArmError:
    return ArmError(400, "UserError", message, inner=inner or ("BadArgument",))
