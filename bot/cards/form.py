"""The form to ask for a run: what was typed stays, and each fault stands at its field."""

import math
from dataclasses import replace

from microsoft_teams.cards import (
    ActionSet,
    CardElement,
    Choice,
    ChoiceSetInput,
    NumberInput,
    TextInput,
)

from bot.cards.buttons import open_page, press
from bot.cards.card import Card, Links
from bot.cards.elements import notice, sentence, short, title
from bot.cards.escape import plain, printable
from bot.cards.frame import card
from bot.domain.posts import FormField, FormPost

RECIPE = "recipe"


def form_card(post: FormPost, links: Links) -> Card:
    """Draw the recipe's choice with its own button, then the fields of that recipe."""
    body: list[CardElement] = title("New run", post.recipe_title)
    if post.fault:
        body.append(notice(f"✗ {post.fault}", "Attention"))
    recipe = [field for field in post.fields if field.id == RECIPE]
    for field in recipe:
        # Its help is the recipe's description, which comes below.
        body += _drawn(replace(field, help=""))
    if recipe:
        body.append(ActionSet(actions=[press("Use this recipe", _form(post))], spacing="Small"))
    body.append(sentence(post.recipe_description, is_subtle=True))
    for field in post.fields:
        if field.id != RECIPE:
            body += _drawn(field)
    data = {"action": "plan", "nonce": post.nonce, "recipe": post.recipe}
    actions = [press("Show plan", data, "positive"), open_page(links.new(), "All settings")]
    return card(_summary(post), body, actions)


def _form(post: FormPost) -> dict[str, str]:
    return {"action": "form", "nonce": post.nonce}


def _summary(post: FormPost) -> str:
    faults = sum(field.fault is not None for field in post.fields) + (post.fault is not None)
    if not faults:
        return short(f"New run: {post.recipe_title}")
    return f"New run: {faults} {'entry needs' if faults == 1 else 'entries need'} another look"


def _drawn(field: FormField) -> list[CardElement]:
    """Return input, help and fault.

    Clients show `errorMessage` for what they check themselves only, hence the line of its own.
    """
    parts: list[CardElement] = [_input(field)]
    if field.help:
        parts.append(sentence(field.help, is_subtle=True, spacing="None"))
    if field.fault:
        parts.append(sentence(f"✗ {field.fault}", "Attention", spacing="None"))
    return parts


def _input(field: FormField) -> CardElement:
    label, fault = plain(field.label, 100), plain(field.fault or f"{field.label} is needed.", 300)
    if field.input == "choice":
        return ChoiceSetInput(
            id=field.id,
            label=label,
            value=printable(field.value) or None,
            choices=_choices(field),
            style="compact",
            wrap=True,
            is_required=field.required or None,
            error_message=fault,
        )
    if field.input == "number" and _is_number_or_empty(field.value):
        return NumberInput(
            id=field.id,
            label=label,
            value=float(field.value) if field.value.strip() else None,
            is_required=field.required or None,
            error_message=fault,
        )
    return TextInput(
        id=field.id,
        label=label,
        value=printable(field.value) or None,
        max_length=1024,
        is_required=field.required or None,
        error_message=fault,
    )


def _choices(field: FormField) -> list[Choice]:
    known = [Choice(title=plain(label, 100), value=value) for value, label in field.choices]
    if field.value and field.value not in dict(field.choices):
        known.append(Choice(title=plain(field.value, 100), value=printable(field.value)))
    return known


def _is_number_or_empty(text: str) -> bool:
    """Return whether a number input can hold it; else a text input keeps what was typed."""
    try:
        return not text.strip() or math.isfinite(float(text))
    except ValueError:
        return False
