"""The few pages that people see around signing in; they work without the client."""

from html import escape
from http import HTTPStatus

from aiohttp import web

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto;
padding: 0 1rem; color-scheme: light dark }}</style></head>
<body><main><h1>{title}</h1><p>{text}</p><p><a href="{href}">{action}</a></p></main></body></html>
"""


def page(*, title: str, text: str, href: str, action: str, status: int = 200) -> web.Response:
    """Return a page with a sentence and one thing to do."""
    parts = {"title": title, "text": text, "href": href, "action": action}
    body = PAGE.format(**{key: escape(value) for key, value in parts.items()})
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)


def refusal(text: str, status: int, again: str) -> web.Response:
    """Return the page of somebody who could not be signed in, and why."""
    title = "You may not come in" if status == HTTPStatus.FORBIDDEN else "You are not signed in"
    return page(title=title, text=text, href=again, action="Sign in again", status=status)


def goodbye(again: str) -> web.Response:
    """Return the page of somebody who has signed out."""
    text = "You are signed out here. Close the browser if others use this computer."
    return page(title="Signed out", text=text, href=again, action="Sign in again")
