"""A model hub on 127.0.0.1 that answers as Hugging Face's does, for what we ask it.

Answers were read from huggingface_hub 2.4: which headers it expects and which errors it knows.
"""

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

TOKEN = "hf_" + "t" * 34


@dataclass
class Model:
    """A repository: its commits, and what branches and tags stand for."""

    commits: dict[str, Mapping[str, bytes]]
    refs: dict[str, str]
    is_gated: bool = False
    is_private: bool = False


@dataclass
class Hub:
    """What the hub has, and what it was asked; tests change it while it runs."""

    models: dict[str, Model] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens_at_storage: list[str] = field(default_factory=list)
    answers_only: int | None = None  # a status that every question is answered with
    cut_after: int | None = None  # bytes of a large file after which the line breaks, once
    garbles: bool = False  # large files come with another content
    address: str = ""

    def add(self, name: str, files: Mapping[str, bytes], **more: bool) -> str:
        """Put a model with one commit there; return the commit."""
        commit = _blob_id(repr(sorted(files.items())).encode())
        self.models[name] = Model({commit: files}, {"main": commit}, **more)
        return commit

    def fetched(self) -> list[str]:
        """Return the names of files whose content was asked for."""
        return [line.rpartition("/")[2] for line in self.asked if line.startswith("GET /storage")]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve it from a thread of its own, on a free port."""
    loop, started = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(_app(hub))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        hub.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = loop.run_until_complete(start())

    def run() -> None:
        loop.call_soon(started.set)
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        yield hub
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _app(hub: Hub) -> web.Application:
    @web.middleware
    async def note(request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:
        hub.asked.append(f"{request.method} {request.path}")
        if hub.answers_only is not None:
            return web.Response(status=hub.answers_only)
        return await handler(request)

    app = web.Application(middlewares=[note])
    name = "{owner}/{name}"
    app.router.add_get(f"/api/models/{name}/revision/{{revision}}", _Handlers(hub).info)
    app.router.add_get(f"/{name}/resolve/{{revision}}/{{file}}", _Handlers(hub).resolve)
    app.router.add_get("/storage/{digest}/{file}", _Handlers(hub).storage)
    return app


class _Handlers:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def info(self, request: web.Request) -> web.Response:
        """Describe a model at a revision, with its files, to whoever may see that it exists."""
        found = self._files(request)
        if isinstance(found, web.Response):
            return found
        name, commit, files = found
        siblings = [_sibling(file, content) for file, content in files.items()]
        gated = "manual" if self._hub.models[name].is_gated else False
        return web.json_response(
            {"id": name, "modelId": name, "sha": commit, "gated": gated, "siblings": siblings}
        )

    async def resolve(self, request: web.Request) -> web.Response:
        """Answer for a file: small ones directly, large ones by where they are stored."""
        found = self._files(request)
        if isinstance(found, web.Response):
            return found
        name, commit, files = found
        if self._hub.models[name].is_gated and not _has_token(request):
            return _error(401 if "Authorization" not in request.headers else 403, "GatedRepo")
        file = request.match_info["file"]
        if file not in files:
            return _error(404, "EntryNotFound")
        content = files[file]
        digest = hashlib.sha256(content).hexdigest()
        location = f"{self._hub.address.replace('127.0.0.1', 'localhost')}/storage/{digest}/{file}"
        headers = {"X-Repo-Commit": commit, "Location": location}
        if _is_large(file):
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        else:
            headers |= {"ETag": f'"{_blob_id(content)}"', "X-Linked-Size": str(len(content))}
        return web.Response(status=302, headers=headers)

    async def storage(self, request: web.Request) -> web.StreamResponse:
        """Give a file's content, from where it was asked for; break off where a test says so."""
        hub, digest = self._hub, request.match_info["digest"]
        hub.tokens_at_storage.append(request.headers.get("Authorization", ""))
        every = [
            c for m in hub.models.values() for files in m.commits.values() for c in files.values()
        ]
        content = next(one for one in every if hashlib.sha256(one).hexdigest() == digest)
        is_large = _is_large(request.match_info["file"])
        if hub.garbles and is_large:
            content = bytes(len(content))
        start = request.http_range.start or 0
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        status = 206 if start else 200
        if hub.cut_after is None or not is_large:
            return web.Response(
                status=status, headers=headers if start else {}, body=content[start:]
            )
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: hub.cut_after])
        assert request.transport is not None
        request.transport.abort()
        return response

    def _files(self, request: web.Request) -> tuple[str, str, Mapping[str, bytes]] | web.Response:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        model = self._hub.models.get(name)
        if request.headers.get("Authorization", f"Bearer {TOKEN}") != f"Bearer {TOKEN}":
            said = "Invalid credentials in Authorization header"
            return web.Response(status=401, headers={"X-Error-Message": said})
        if model is None or (model.is_private and not _has_token(request)):
            return _error(401 if not _has_token(request) else 404, "RepoNotFound")
        revision = request.match_info["revision"]
        commit = model.refs.get(revision, revision)
        if commit not in model.commits:
            return _error(404, "RevisionNotFound")
        return name, commit, model.commits[commit]


def _has_token(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {TOKEN}"


def _error(status: int, code: str) -> web.Response:
    return web.Response(status=status, headers={"X-Error-Code": code})


def _is_large(file: str) -> bool:
    return file.endswith((".safetensors", ".bin"))


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _sibling(file: str, content: bytes) -> dict[str, object]:
    found = {"rfilename": file, "size": len(content), "blobId": _blob_id(content)}
    if _is_large(file):
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
    return found
