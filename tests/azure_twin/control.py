"""The control API on loopback: what a test orders, and what it may look at."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web
from cryptography import x509

from tests.azure_twin.context import CommandError, TwinContext
from tests.azure_twin.entra.directory import Person
from tests.azure_twin.entra.managed import ManagedIdentity
from tests.azure_twin.entra.service import Entra, mint_for
from tests.azure_twin.entra.tokens import LIFETIME_S, Tokens
from tests.azure_twin.proxy import Proxy
from tests.azure_twin.world import EXCHANGE_AUDIENCE


class Control:
    """`POST /control/{command}` with a JSON object; also the managed identity endpoints."""

    def __init__(self, twin: TwinContext, proxy: Proxy, entra: Entra) -> None:
        self._twin = twin
        self._proxy = proxy
        self._entra = entra
        self._runner: web.AppRunner | None = None
        self.port = 0
        twin.commands.update(
            {
                "label": self._label,
                "reset": self._reset,
                "requests": self._requests,
                "hosts": self._hosts,
                "fault": self._fault,
                "faults": self._faults,
                "faults.clear": self._clear,
                "clock.advance": self._advance,
                "tokens.lifetime": self._lifetime,
                "tokens.mint": self._mint,
                "tokens.federated": self._mint_federated,
                "sign_in": self._sign_in,
                "person": self._person,
                "certificate": self._certificate,
                "processes": self._processes,
            }
        )

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_post("/control/{command}", self._command)
        # A person's browser reaches sign-in here, where it has neither proxy nor authority.
        app.router.add_route("*", "/{tenant}/oauth2/v2.0/{rest:.*}", self._entra.handle)
        ManagedIdentity(self._twin).add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _command(self, request: web.Request) -> web.Response:
        name = request.match_info["command"]
        command = self._twin.commands.get(name)
        if command is None:
            known = ", ".join(sorted(self._twin.commands))
            return _failed(404, f"There is no command {name!r}. There are: {known}.")
        try:
            values = await request.json() if request.can_read_body else {}
            return web.json_response({"result": await command(values)})
        except (CommandError, KeyError, TypeError, ValueError) as error:
            return _failed(400, f"{name}: {type(error).__name__}: {error}")

    async def _label(self, values: Mapping[str, Any]) -> None:
        self._twin.log.label = str(values.get("text", ""))

    async def _reset(self, values: Mapping[str, Any]) -> None:
        """Take back what was ordered: faults, limits, roles, pace. Jobs and assets stay."""
        self._twin.faults.clear()
        self._twin.log.label = ""
        self._twin.tokens.lifetime_s = LIFETIME_S
        self._twin.directory.signed_in = None
        for reset in self._twin.resets:
            reset()

    async def _requests(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries that have all of the given values (`path` and `host`: contain)."""
        return [entry for entry in self._twin.log.entries if _has(entry, values)]

    async def _hosts(self, values: Mapping[str, Any]) -> dict[str, list[str]]:
        return {"refused": list(self._proxy.refused), "passed": sorted(self._proxy.passed)}

    async def _fault(self, values: Mapping[str, Any]) -> None:
        self._twin.faults.order(**values)

    async def _faults(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._twin.faults.ordered]

    async def _clear(self, values: Mapping[str, Any]) -> None:
        self._twin.faults.clear()

    async def _advance(self, values: Mapping[str, Any]) -> str:
        self._twin.clock.advance(float(values["seconds"]))
        return self._twin.clock.stamp()

    async def _lifetime(self, values: Mapping[str, Any]) -> None:
        self._twin.tokens.lifetime_s = float(values["seconds"])

    async def _mint(self, values: Mapping[str, Any]) -> str:
        """Return a token of an application; `claims` are added, to make it wrong."""
        application = self._twin.directory.application(values["client_id"])
        if application is None:
            raise CommandError(f"There is no application {values['client_id']!r}.")
        if not values.get("claims") and values.get("lifetime_s") is None:
            return mint_for(self._twin, application, values["audience"])
        claims = {"appid": application.client_id, "oid": application.oid, "sub": application.oid}
        claims.update(values.get("claims") or {})
        lifetime_s = values.get("lifetime_s")
        return self._twin.tokens.mint(values["audience"], lifetime_s=lifetime_s, **claims)

    async def _mint_federated(self, values: Mapping[str, Any]) -> str:
        """Return a token to exchange at Entra, e.g. a cluster's; `forged`: not the issuer's."""
        issuer, tokens = values["issuer"], self._twin.tokens
        audience = values.get("audience", EXCHANGE_AUDIENCE)
        claims = {"sub": values["subject"]}
        lifetime_s = values.get("lifetime_s", 600)
        if values.get("forged"):
            tokens = Tokens(self._twin.clock)
        return tokens.mint(audience, issuer=issuer, lifetime_s=lifetime_s, **claims)

    async def _sign_in(self, values: Mapping[str, Any]) -> None:
        """Say whom the browser's session belongs to; None: it has to pick an account."""
        self._twin.directory.signed_in = values.get("person")

    async def _person(self, values: Mapping[str, Any]) -> None:
        """Add a person, or change the roles of one."""
        known = self._twin.directory.person(values["oid"])
        if known is not None:
            known.roles = list(values["roles"])
            return
        person = Person(values["oid"], values["name"], values["username"], list(values["roles"]))
        self._twin.directory.people[person.oid] = person

    async def _certificate(self, values: Mapping[str, Any]) -> None:
        """Register a certificate, in PEM, with an application."""
        application = self._twin.directory.application(values["client_id"])
        if application is None:
            raise CommandError(f"There is no application {values['client_id']!r}.")
        application.certificates.append(x509.load_pem_x509_certificate(values["pem"].encode()))

    async def _processes(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"name": one.name, "pid": one.pid} for one in self._twin.children.listed()]


def _has(entry: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    for key, wanted in values.items():
        held = entry.get(key)
        if key in {"path", "host"}:
            if wanted.lower() not in str(held).lower():
                return False
        elif key == "since":
            if entry["at"] < wanted:
                return False
        elif held != wanted:
            return False
    return True


def _failed(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
