"""The progress card of one run, edited in place; also the answer to `status`."""

from microsoft_teams.cards import Action, CardElement
from microsoft_teams.cards.core import TextColor

from bot.cards.buttons import open_page, press
from bot.cards.card import Card, Links
from bot.cards.chart import bar, loss_chart
from bot.cards.elements import (
    code_lines,
    facts,
    heading,
    notice,
    sentence,
    sentences,
    status_title,
)
from bot.cards.facts import run_facts, step_words, summary
from bot.cards.frame import card
from bot.cards.rail import rail_block
from bot.cards.status import look_of
from bot.domain.posts import RunPost
from bot.domain.run import RunStatus, SampleSeen
from bot.domain.view import RunView

# Samples are read on the run page; the card shows the newest two.
_SAMPLES = 2
_VERDICTS: dict[bool, tuple[str, TextColor]] = {True: ("✓", "Good"), False: ("✗", "Warning")}
_STARTED = frozenset({RunStatus.TRAINING, RunStatus.EVALUATING})


def run_card(post: RunPost, links: Links) -> Card:
    """Draw what is going on first, then numbers, curve and what the model wrote."""
    run = post.run
    body = status_title(run.name, subtitle(run), look_of(run))
    body += outcome(run)
    body += obstacles(run)
    body.append(rail_block(run.rail))
    body += progress(run)
    body += facts(run_facts(run))
    body += loss_chart(run.curve)
    body += samples(run.samples[-_SAMPLES:])
    body += undelivered(run)
    return card(summary(run), body, _actions(run, links))


def subtitle(run: RunView) -> str:
    """Return whose run it is, of which recipe, and the id that commands take."""
    return f"{run.recipe}, asked by {run.requester}, `{run.id}`"


def progress(run: RunView) -> list[CardElement]:
    """Return the bar with its numbers, from the first step to the end of training."""
    if run.total <= 0 or (run.step == 0 and run.status not in _STARTED) or run.status.is_final:
        return []
    return [bar(run.step, run.total), sentence(step_words(run), spacing="None")]


def samples(seen: tuple[SampleSeen, ...]) -> list[CardElement]:
    """Return what the model wrote, as it wrote it."""
    if not seen:
        return []
    parts: list[CardElement] = [heading("What the model writes")]
    for sample in seen:
        parts.append(sentence(sample.prompt, is_subtle=True))
        parts.append(code_lines(sample.text.splitlines()[:6] or ["(nothing)"], 300))
    return parts


def outcome(run: RunView) -> list[CardElement]:
    """Return what is going on or how it ended, in the colour and glyph of good or bad news."""
    if run.diagnosis is not None:
        return [notice(f"✗ {run.diagnosis.cause}", "Attention"), *sentences(run.diagnosis.remedy)]
    if run.verdict is not None and run.verdict.reached is not None:
        glyph, color = _VERDICTS[run.verdict.reached]
        return [notice(f"{glyph} {run.verdict.text}", color)]
    if run.status is RunStatus.TRAINING and run.step and not run.is_stopping:
        return []  # bar and numbers say it
    return sentences(run.headline)


def obstacles(run: RunView) -> list[CardElement]:
    """Return what the run waits for elsewhere, and what keeps us from seeing how it goes."""
    found: list[CardElement] = sentences(run.why_waiting) if run.why_waiting else []
    if run.trouble:
        found.append(notice(f"! {run.trouble}", "Warning"))
    return found


def undelivered(run: RunView) -> list[CardElement]:
    """Return what may not have reached its thread."""
    return [notice(f"! {text}", "Warning") for text in run.undelivered]


def promote(run: RunView) -> list[Action]:
    """Return the button that plans to serve the run's model, where there is one."""
    if run.status is not RunStatus.SUCCEEDED or run.result is None:
        return []
    return [press("Promote", {"action": "promote", "run": run.id})]


def _actions(run: RunView, links: Links) -> list[Action]:
    actions: list[Action] = [open_page(links.run(run.id))]
    if run.why_waiting:
        actions += [open_page(url, f"Open {title.lower()}") for title, url in run.links[:2]]
    if run.status.is_final:
        actions.append(press("Run again", {"action": "rerun", "run": run.id}))
        actions += promote(run)
    elif not run.is_stopping:
        actions.append(press("Cancel …", {"action": "ask_cancel", "run": run.id}))
    return actions
