"""The list of schedules, and the machines with what waits for them."""

from microsoft_teams.cards import CardElement

from bot.cards.buttons import open_page, say
from bot.cards.card import Card, Links
from bot.cards.elements import facts, heading, sentence, short, title
from bot.cards.frame import card
from bot.cards.numbers import moment
from bot.cards.page import Page
from bot.cards.runs import row_words
from bot.cards.status import look_of
from bot.domain.posts import QueuePost, ScheduleRow, SchedulesPost
from bot.domain.seen import ClusterSeen

MOST = 20


def schedules_card(post: SchedulesPost) -> Card:
    """Draw each schedule with its next slot and how the last one went."""
    body: list[CardElement] = title("Schedules")
    for row in post.rows[:MOST]:
        body.append(heading_of(row))
        body.append(sentence(schedule_words(row), is_subtle=True, spacing="None"))
    if len(post.rows) > MOST:
        body.append(sentence(f"… and {len(post.rows) - MOST} more.", is_subtle=True))
    running = [row for row in post.rows if not row.is_paused][:3]
    actions = [say(f"schedule pause {row.name}") for row in running]
    return card(short(f"Schedules: {len(post.rows)}"), body, actions)


def heading_of(row: ScheduleRow) -> CardElement:
    """Return a schedule's first line."""
    state = "paused" if row.is_paused else "next " + (moment(row.next_at) if row.next_at else "-")
    return sentence(f"`{row.name}` {row.recipe}, {state}")


def schedule_words(row: ScheduleRow) -> str:
    """Return a schedule's second line: when, whose, from where, and how the last one went."""
    parts = (
        row.when,
        row.owner,
        "written in the repository" if row.origin == "repository" else "",
        f"last: {row.note}" if row.note else "",
    )
    return ", ".join(part for part in parts if part)


def queue_card(post: QueuePost, links: Links) -> Card:
    """Draw the machines, then the runs that wait."""
    body: list[CardElement] = title("Machines and queue")
    body += facts(tuple((row.name, cluster_words(row)) for row in post.clusters))
    if not post.clusters:
        body.append(sentence("There are no machines."))
    body.append(heading("Waiting"))
    for run in post.waiting[:MOST]:
        body.append(sentence(f"{look_of(run).label}  {run.name}, {row_words(run)}"))
        if run.why_waiting:
            body.append(sentence(run.why_waiting, is_subtle=True, spacing="None"))
    if not post.waiting:
        body.append(sentence("Nothing waits.", is_subtle=True))
    return card(short(f"{len(post.waiting)} waiting"), body, [open_page(links.runs(), "All runs")])


def cluster_words(row: ClusterSeen) -> str:
    """Return what is known of machines of one kind."""
    parts = (
        f"{row.busy} of {row.most} nodes work",
        f"{row.idle} idle" if row.idle else "",
        f"{row.waiting} jobs wait" if row.waiting else "",
        f"{row.sku}, {row.priority}",
        f"quota for {row.quota} more" if row.quota is not None else "",
        row.note,
    )
    return ", ".join(part for part in parts if part)


def schedules_text(post: SchedulesPost) -> str:
    """Return the schedules as text."""
    page = Page("Schedules")
    for row in post.rows:
        next_at = f", next {moment(row.next_at)}" if row.next_at else ", paused"
        page.bullets([f"{row.name}: {row.recipe}{next_at}; {schedule_words(row)}"])
    return page.text()


def queue_text(post: QueuePost, links: Links) -> str:
    """Return machines and queue as text."""
    page = Page("Machines and queue")
    page.facts(tuple((row.name, cluster_words(row)) for row in post.clusters))
    for run in post.waiting:
        why = f" ({run.why_waiting})" if run.why_waiting else ""
        page.bullets(
            [f"{run.name}: {look_of(run).word}, {row_words(run)}{why}"], look_of(run).glyph
        )
    if not post.waiting:
        page.say("Nothing waits.")
    return page.link(links.runs()).text()
