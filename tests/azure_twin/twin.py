"""Put the twin together, start it, and write down how clients reach it."""

import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from tests.azure_twin import world
from tests.azure_twin.botframework import BotFramework
from tests.azure_twin.certs import Certificates, make_certificates
from tests.azure_twin.children import Children
from tests.azure_twin.clock import Clock
from tests.azure_twin.context import TwinContext
from tests.azure_twin.control import Control
from tests.azure_twin.devops.service import DevOps
from tests.azure_twin.entra.directory import make_directory
from tests.azure_twin.entra.service import Entra
from tests.azure_twin.entra.tokens import Tokens
from tests.azure_twin.eventgrid import EventGrid
from tests.azure_twin.faults import Faults
from tests.azure_twin.ml import start_machine_learning
from tests.azure_twin.proxy import Proxy
from tests.azure_twin.requestlog import RequestLog
from tests.azure_twin.server import Server, Service


@dataclass(frozen=True)
class Options:
    """Ports of 0 are chosen. `local_sign_in`: people's browsers sign in on the control port."""

    folder: Path
    port: int = 0
    proxy_port: int = 0
    control_port: int = 0
    local_sign_in: bool = False


@asynccontextmanager
async def started(options: Options) -> AsyncIterator[dict[str, Any]]:
    """Run the twin, and yield what `twin.json` says."""
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    certificates = make_certificates(folder / "tls")
    async with AsyncExitStack() as stack:
        twin = await _context(folder, certificates, stack)
        entra = Entra(twin)
        server = Server(twin, await _services(twin, entra, certificates, stack))
        await server.start(certificates, options.port)
        stack.push_async_callback(server.close)
        proxy = Proxy(server.port, port=options.proxy_port)
        await proxy.start()
        stack.push_async_callback(proxy.close)
        control = Control(twin, proxy, entra)
        await control.start(options.control_port)
        stack.push_async_callback(control.close)
        control_url = f"http://127.0.0.1:{control.port}"
        if options.local_sign_in:
            entra.authorize_host = control_url
        twin.identity_url = control_url
        twin.environment.update(environment(proxy.port, certificates, folder))
        for start in twin.starters:
            await start()
        yield _written(folder, control_url, twin)


async def _services(
    twin: TwinContext, entra: Entra, certificates: Certificates, stack: AsyncExitStack
) -> dict[str, Service]:
    """Return what answers, by kind of host."""
    EventGrid(twin)
    learning = await start_machine_learning(twin, certificates, stack)
    devops = DevOps(twin)
    stack.push_async_callback(devops.close)
    twin.starters.append(devops.start)
    return {
        "entra": entra.handle,
        "botframework": BotFramework(twin).handle,
        "devops": lambda request: devops.handle(request, _host(request)),
        **learning,
    }


async def _context(folder: Path, certificates: Certificates, stack: AsyncExitStack) -> TwinContext:
    clock = Clock()
    request_log = RequestLog(folder / "requests.jsonl")
    request_log.open()
    stack.callback(request_log.close)
    http = ClientSession(
        connector=TCPConnector(limit=0, ssl=certificates.client()),
        timeout=ClientTimeout(total=300),
        auto_decompress=False,
    )
    stack.push_async_callback(http.close)
    twin = TwinContext(
        folder=folder,
        clock=clock,
        tokens=Tokens(clock),
        directory=make_directory(),
        log=request_log,
        faults=Faults(),
        children=Children(),
        http=http,
        identity_secret=secrets.token_hex(16),
    )
    stack.push_async_callback(twin.children.close)
    stack.push_async_callback(twin.close)
    return twin


def environment(proxy_port: int, certificates: Certificates, folder: Path) -> dict[str, str]:
    """Return what makes an unchanged client use the twin in place of Azure."""
    proxy, authority = f"http://127.0.0.1:{proxy_port}", str(certificates.authority)
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
    return {
        **dict.fromkeys(names, proxy),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "REQUESTS_CA_BUNDLE": authority,
        "SSL_CERT_FILE": authority,
        "NODE_EXTRA_CA_CERTS": authority,
        "AZURE_DEVOPS_CACHE_DIR": str(folder / "devops-cache"),
        "AZURE_TENANT_ID": world.TENANT,
        "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
        "AZUREML_RUN_POLLING_INTERVAL_MAX": "2",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _host(request: web.Request) -> str:
    return request.host.split(":")[0].lower()


def _written(folder: Path, control_url: str, twin: TwinContext) -> dict[str, Any]:
    """Write `twin.json`, and return it."""
    facts = {
        "pid": os.getpid(),
        "folder": str(folder),
        "control": control_url,
        "environment": twin.environment,
        "bot_environment": twin.environment_of(world.BOT_IDENTITY),
        "pipeline_environment": twin.environment_of(world.PIPELINE_IDENTITY),
    }
    path = folder / "twin.json"
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return facts
