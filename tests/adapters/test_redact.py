"""Secrets do not leave, and ordinary words do."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redact import MARK, redact

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"

SECRETS = {
    "a bearer header": ("Authorization: Bearer abc123DEF456ghi", "abc123DEF456ghi"),
    "a basic header": ("authorization: Basic dXNlcjpwYXNzMQ==", "dXNlcjpwYXNzMQ=="),
    "a shared access signature": (
        "https://a.blob.core.windows.net/c/f?sv=2024-11-04&sp=r&sig=aB%2Bc%3D&se=2026",
        "aB%2Bc%3D",
    ),
    "an account key": ("AccountName=x;AccountKey=abc/def+ghi==;EndpointSuffix=y", "abc/def+ghi=="),
    "a client secret in the environment": ("AZURE_CLIENT_SECRET=kX8Q.~xyz", "kX8Q.~xyz"),
    "an AWS secret": ("AWS_SECRET_ACCESS_KEY = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
    "an AWS key id": ("using AKIAIOSFODNN7EXAMPLE now", "AKIAIOSFODNN7EXAMPLE"),
    "a password in JSON": ('{"password": "hunter 2"}', "hunter 2"),
    "a password in a URL": ("postgresql://bot:p@ss:word@db/krsp", "p@ss:word"),
    "a key": ("GET /x?key=0123456789abcdef&y=1", "0123456789abcdef"),
    "a quoted token": ("token='abcdefgh1234'", "abcdefgh1234"),
    "a GitHub token": ("clone with ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
    "a Hugging Face token": ("login hf_abcdefghijklmnopqrstuv", "hf_abcdefghijklmnopqrstuv"),
    "a JSON web token": ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJzdWIiOiIx"),
    "a storage key": ("k " + "a1" * 43 + "==", "a1" * 43),
    "an Entra client secret": ("abc8Q~" + "x" * 34, "8Q~"),
    "a private key": (f"before\n{PEM}\nafter", "IBAAKC"),
    "a private key that is cut off": (PEM[:48], "MIIEow"),
}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_hidden(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert MARK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "step 10/100 loss 2.534 lr 3e-4 tokens 40960 tokens_per_s=5698.2",
        "KeyError: 'hidden_size'",
        'special tokens: pad_token="<pad>", eos_token: </s>',
        "basic training of the tokenizer is done; the bearer of this said so",
        "https://example.org:8080/runs/run-20261123-a2b3c4?tab=logs",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "run-20261123-a2b3c4 is now training; monkey=banana",
        'File "/work/trainer/data.py", line 12, in read',
        "task-scheduling-of-many-small-jobs is a branch",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_the_words_around_a_secret_stay() -> None:
    assert redact("user=ada password=hunter2 host=db") == f"user=ada password={MARK} host=db"


@given(st.text(alphabet="aB1=:\"' /@?&;.-_~[]keytoknpasswrdsig\n", max_size=120))
def test_hiding_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("piece", ["key_", "a-", "eyJaaaaaa.", "://:", "x:", "A", "token=", "'"])
def test_a_hostile_line_stays_cheap(piece: str) -> None:
    # No benchmark: a pattern that goes back over the line would need hours, not seconds.
    began = time.process_time()
    redact(piece * (200_000 // len(piece)))
    assert time.process_time() - began < 5
