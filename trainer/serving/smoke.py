"""The smoke test: a deployment must answer, and complete a prompt with some text."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from trainer.serving.errors import PromotionError

PROMPT = "What is this model for?"
TOKENS = 16
TIMEOUT_S = 120.0  # the first completion of a large model on a CPU


def completion_request(model: str) -> dict[str, Any]:
    """Return the body of the chat completion that is asked for."""
    turns = [{"role": "user", "content": PROMPT}]
    return {"model": model, "messages": turns, "max_tokens": TOKENS, "temperature": 0}


def ask(url: str, model: str, headers: Mapping[str, str] | None = None) -> str:
    """Return the text of one chat completion. Raises `PromotionError`."""
    body = json.dumps(completion_request(model)).encode()
    given = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, given)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return text_of(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        said = error.read(500).decode("utf-8", "replace")
        raise _failed(f"it answered {error.code}: {said}") from error
    except (OSError, ValueError) as error:
        raise _failed(f"it did not answer ({error})") from error


def text_of(answer: Any) -> str:
    """Return the text of a chat completion. Raises `PromotionError` for anything else, or none."""
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise _failed(f"its answer is no chat completion: {str(answer)[:300]}") from error
    if not isinstance(text, str) or not text.strip():
        raise _failed("it completed the prompt with nothing")
    return text.strip()


def _failed(why: str) -> PromotionError:
    return PromotionError(
        f"The smoke test failed: {why}.",
        remedy="Look at the run's samples; a model that writes nothing needs more training.",
    )
