"""What cannot be used as sent: bodies, types, sizes, methods, paths."""

import asyncio
import json
import logging

import pytest

from bot.errors import BotError, DiskFullError, ThrottledError, UnavailableError

RUN = "runs/run-20260101-aaaaaa"
DRAFT = "drafts/run-20260101-aaaaaa"
MUTATIONS = [
    "sign-in",
    "sign-out",
    "drafts",
    f"{DRAFT}/start",
    f"{RUN}/cancel",
    f"{RUN}/approve",
    f"{RUN}/reject",
    f"{RUN}/rerun",
]
JSON = {"Content-Type": "application/json"}
MALFORMED = [b"", b"{", b'{"a": 1,}', b"\xff\xfe", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 5000]


@pytest.mark.parametrize("path", MUTATIONS)
@pytest.mark.parametrize("body", MALFORMED)
async def test_malformed_json_is_refused_everywhere(site, path, body):
    await site.sign_in("alex")
    answer = await site.client.post(f"/api/v1/{path}", data=body, headers=JSON)
    await site.refused(answer, 400, "malformed")


async def test_malformed_json_says_where(site):
    answer = await site.client.post("/api/v1/sign-in", data=b'{\n"a": 1,}', headers=JSON)
    assert "line 2 column 8" in (await site.refused(answer, 400, "malformed"))["detail"]


@pytest.mark.parametrize("path", MUTATIONS)
async def test_unknown_fields_are_refused_everywhere(site, path):
    await site.sign_in("alex")
    body = await site.refused(await site.post(path, {"colour": "red"}), 422, "invalid_input")
    assert "colour" in {error["loc"] for error in body["errors"]}


@pytest.mark.parametrize("path", MUTATIONS)
@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null"])
async def test_a_body_that_is_no_object_is_refused_everywhere(site, path, body):
    await site.sign_in("alex")
    answer = await site.client.post(f"/api/v1/{path}", data=body, headers=JSON)
    await site.refused(answer, 422, "invalid_input")


@pytest.mark.parametrize("path", MUTATIONS)
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_taken(site, path, media):
    await site.sign_in("alex")
    answer = await site.client.post(
        f"/api/v1/{path}", data=b"{}", headers={"Content-Type": media} if media else {}
    )
    await site.refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", MUTATIONS)
async def test_a_large_body_is_refused_everywhere(site, path):
    await site.sign_in("alex")
    answer = await site.post(path, {"reason": "a" * 300_000})
    await site.refused(answer, 413, "too_large")


async def test_a_large_body_of_unknown_length_is_refused(site):
    async def pieces():
        for _ in range(100):
            yield b" " * 4096

    answer = await site.client.post("/api/v1/sign-out", data=pieces(), headers=JSON)
    await site.refused(answer, 413, "too_large")


async def test_a_text_with_nul_is_refused_at_any_depth(site):
    await site.sign_in("alex")
    body = {"recipe": "tiny-sft", "nonce": "nonce-0001", "changes": {"data": ["a\0b"]}}
    await site.refused(await site.post("drafts", body), 400, "malformed")


@pytest.mark.parametrize("path", [p for p in MUTATIONS if not p.startswith("sign")])
async def test_nobody_may_change_anything(site, path):
    body = await site.refused(await site.post(path), 401, "unauthenticated")
    assert "pick who you are" in body["detail"]


async def test_a_reason_has_an_end(site):
    await site.sign_in("alex")
    answer = await site.post(f"{RUN}/cancel", {"reason": "a" * 501})
    body = await site.refused(answer, 422, "invalid_input")
    assert body["errors"][0]["loc"] == "reason"


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/api/v1/nothing", "/api/v2/runs", "/hooks", "/hooks/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_api_path_is_not_found(site, path, method):
    answer = await site.client.request(method, path)
    await site.refused(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/v1/runs", "GET, HEAD"),
        ("DELETE", "/api/v1/runs/run-20260101-aaaaaa", "GET, HEAD"),
        ("GET", "/api/v1/drafts", "POST"),
        ("GET", "/api/v1/runs/run-20260101-aaaaaa/cancel", "POST"),
        ("PUT", "/api/v1/drafts", "POST"),
        ("OPTIONS", "/api/v1/drafts", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_says_which_are_right(site, method, path, allowed):
    answer = await site.client.request(method, path)
    await site.refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnavailableError("The store does not answer; try again."), 503, "unavailable"),
        (DiskFullError("The disk is full; free some space."), 507, "disk_full"),
    ],
)
async def test_a_store_that_cannot_write_is_told_and_starts_nothing(site, error, status, code):
    await site.sign_in("alex")
    draft = await site.draft()
    site.store.fail_next(error)
    answer = await site.post(f"drafts/{draft['id']}/start")
    body = await site.refused(answer, status, code)
    assert body["detail"] == str(error)
    assert answer.headers["Retry-After"]
    assert await site.store.run(draft["id"]) is None


async def test_a_bug_is_logged_once_and_told_by_its_number_only(site, caplog):
    await site.sign_in("alex")
    draft = await site.draft()
    site.store.fail_next(BotError("the password is 1234"))
    with caplog.at_level(logging.ERROR):
        answer = await site.post(f"drafts/{draft['id']}/start")
    body = await site.refused(answer, 500, "internal")
    incident = body["instance"].partition("#")[2]
    assert incident in body["detail"]
    assert "1234" not in await answer.text()
    assert [incident in record.getMessage() for record in caplog.records] == [True]
    assert "1234" in caplog.text


async def test_an_error_that_nobody_expected_is_a_bug_too(site, caplog):
    site.tracking.lines = None  # as if somebody had broken the adapter
    run_id = await site.run()
    answer = await site.get(f"runs/{run_id}/log")
    await site.refused(answer, 500, "internal")
    assert "NoneType" in caplog.text
    assert "NoneType" not in await answer.text()


async def test_throttling_says_when_to_try_again(site):
    await site.sign_in("alex")
    site.store.fail_next(ThrottledError("Too much at once; wait a little.", 7.2))
    answer = await site.post("drafts", {"recipe": "tiny-sft", "nonce": "nonce-0001"})
    await site.refused(answer, 502, "throttled")
    assert answer.headers["Retry-After"] == "7"


async def test_a_body_with_broken_pieces_is_malformed(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.client.port)
    writer.write(
        b"POST /api/v1/sign-out HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    await writer.drain()
    writer.write(b"zz\r\n{}\r\n0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 400 " in status


@pytest.mark.parametrize(
    "line",
    [
        b"GET /api/v1/runs/%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /api/v1/runs/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /api/v1/runs?%ff=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: \xff\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: \xff\r\n",
    ],
)
async def test_bytes_that_are_no_text_are_refused_in_words(site, line):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.client.port)
    writer.write(line + b"Connection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert head.split(b" ")[1] in {b"400", b"403", b"404", b"421", b"422"}
    assert json.loads(body)["detail"]
    assert b"application/problem+json" in head


async def test_a_cookie_of_raw_bytes_is_nobody(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.client.port)
    writer.write(
        b"GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Cookie: krsp_person=\xff.\xff\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert b" 200 " in answer
    assert b'"person":null' in answer
