"""The client's files: found, cached, compressed, and nothing beside them."""

import asyncio

import pytest

PAGE = "<!doctype html><title>krsp</title>"
SCRIPT = "console.log('a');" * 100


@pytest.fixture
def built(site):
    assets = site.dist / "assets"
    assets.mkdir(parents=True)
    (site.dist / "index.html").write_text(PAGE)
    (site.dist / "icon.svg").write_text("<svg/>")
    (assets / "index-abc123.js").write_text(SCRIPT)
    (assets / "index-abc123.js.br").write_bytes(b"brotli bytes")
    (assets / "index-abc123.js.gz").write_bytes(b"gzip bytes")
    (site.dist.parent / "secret").write_text("a secret")
    (site.dist / "link").symlink_to(site.dist.parent / "secret")
    return site


async def encoded(site, path: str, encoding: str):
    """Return headers and body as sent, not decompressed."""
    async with site.client.session.get(
        site.client.make_url(path), headers={"Accept-Encoding": encoding}, auto_decompress=False
    ) as answer:
        return answer.headers, await answer.read()


async def raw(site, path: bytes) -> bytes:
    """Return the whole answer to a path that no well-behaved client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.client.port)
    writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/runs/run-20260101-aaaaaa/logs", "/a.b", "/index.html"]
)
async def test_every_route_of_the_client_is_the_same_page(built, path):
    answer = await built.get(path)
    assert (answer.status, await answer.text()) == (200, PAGE)
    assert answer.content_type == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_hashed_files_are_kept_for_ever_and_others_asked_again(built):
    hashed = await built.get("/assets/index-abc123.js")
    icon = await built.get("/icon.svg")
    assert "immutable" in hashed.headers["Cache-Control"]
    assert hashed.content_type in {"text/javascript", "application/javascript"}
    assert icon.headers["Cache-Control"] == "no-cache"
    assert icon.content_type == "image/svg+xml"


@pytest.mark.parametrize(
    ("accepted", "chosen", "body"),
    [
        ("br, gzip", "br", b"brotli bytes"),
        ("gzip", "gzip", b"gzip bytes"),
        ("identity", None, SCRIPT.encode()),
    ],
)
async def test_the_smallest_form_that_the_browser_knows_is_sent(built, accepted, chosen, body):
    headers, sent = await encoded(built, "/assets/index-abc123.js", accepted)
    assert headers.get("Content-Encoding") == chosen
    assert sent == body
    assert "Accept-Encoding" in headers["Vary"]


async def test_a_page_that_did_not_change_is_not_sent_again(built):
    known = {"If-None-Match": (await built.get("/")).headers["ETag"]}
    assert (await built.get("/", headers=known)).status == 304


async def test_a_missing_asset_is_no_page(built):
    await built.refused(await built.get("/assets/index-old.js"), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        b"/../secret",
        b"/%2e%2e/secret",
        b"/assets/../../secret",
        b"/assets/..%2f..%2fsecret",
        b"/..%5csecret",
        b"//secret",
        b"/link",
        b"/%00",
        b"/\xff",
        b"/%ff",
    ],
)
async def test_nothing_outside_the_folder_is_served(built, path):
    answer = await raw(built, path)
    assert b"a secret" not in answer
    assert answer.split(b" ")[1] in {b"200", b"400", b"404"}


async def test_a_name_too_long_for_a_file_is_the_page(built):
    assert (await built.get("/" + "a" * 5000)).status == 200


async def test_only_get_and_head_are_for_files(built):
    answer = await built.client.post("/runs")
    await built.refused(answer, 405, "method_not_allowed")
    head = await built.client.head("/runs")
    assert (head.status, await head.read()) == (200, b"")


async def test_without_a_build_the_page_says_how_to_build(site):
    answer = await site.get("/runs/run-20260101-aaaaaa")
    assert answer.status == 503
    assert "make client" in await answer.text()
