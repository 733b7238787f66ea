"""A small server in place of a model's: OpenAI's chat and completion calls, answered by echo.

`ECHO_UNHEALTHY=1` never becomes ready, `ECHO_CRASH=1` ends at once, `ECHO_ANSWER` is said instead
of the echo: what a deployment's environment variables can ask for.
"""

import argparse
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if os.environ.get("ECHO_UNHEALTHY"):
            self._send(503, {"status": "loading"})
        elif self.path == "/v1/models":
            self._send(200, {"object": "list", "data": [{"id": name(), "object": "model"}]})
        else:
            self._send(200, {"status": "ok", "model": name()})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        sys.stderr.write(f"POST {self.path}\n")
        if self.path.endswith("/completions"):
            self._send(200, completion(body, is_chat="chat" in self.path))
        else:
            self._send(200, {"echo": body, "model": name()})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        sys.stderr.write(format % args + "\n")


def name() -> str:
    return os.path.basename(os.environ.get("AZUREML_MODEL_DIR", "echo"))  # noqa: PTH119


def completion(body: dict[str, Any], *, is_chat: bool) -> dict[str, Any]:
    """Return an answer that repeats the last thing said."""
    said = body["messages"][-1]["content"] if is_chat else body.get("prompt", "")
    text = os.environ.get("ECHO_ANSWER") or f"echo: {said}"
    part = {"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}
    words = len(str(said).split())
    return {
        "id": f"echo-{time.time_ns()}",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": int(time.time()),
        "model": body.get("model") or name(),
        "choices": [{"index": 0, "finish_reason": "stop", **part}],
        "usage": {
            "prompt_tokens": words,
            "completion_tokens": len(text.split()),
            "total_tokens": words + len(text.split()),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    if os.environ.get("ECHO_CRASH"):
        sys.stderr.write("the model could not be loaded\n")
        return 1
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Echo)
    sys.stderr.write(f"serving {name()} on {options.port}\n")
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
