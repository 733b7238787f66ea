"""The list of models: what is served where, then the registered versions."""

from microsoft_teams.cards import Action, CardElement, Container, TextRun

from bot.cards.buttons import open_page, say
from bot.cards.card import Card, Links
from bot.cards.elements import heading, rich, sentence, short, title
from bot.cards.escape import plain
from bot.cards.frame import card
from bot.cards.promotion_words import endpoint_words, version_words
from bot.domain.promotion import EndpointSeen, ModelVersion
from bot.domain.promotion_posts import ModelsPost

MOST = 12


def models_card(post: ModelsPost, links: Links) -> Card:
    """Draw endpoints first, for they cost; then versions, newest first."""
    body: list[CardElement] = title("Models")
    body.append(heading("Served"))
    body += [_endpoint(each) for each in post.endpoints]
    if not post.endpoints:
        body.append(sentence("Nothing is served.", is_subtle=True))
    body.append(heading("Registered"))
    body += [_version(each) for each in post.versions[:MOST]]
    if not post.versions:
        body.append(sentence("No model is registered yet: `promote <run>`.", is_subtle=True))
    more = post.total - len(post.versions[:MOST])
    if more > 0:
        body.append(sentence(f"… {more:,} more on the page of models.", is_subtle=True))
    actions: list[Action] = [open_page(links.models(), "All models")]
    actions += [say(f"undeploy {each.name}") for each in post.endpoints[:3]]
    summary = f"Models: {post.total} registered, {len(post.endpoints)} served"
    return card(short(summary), body, actions)


def _endpoint(endpoint: EndpointSeen) -> Container:
    name = TextRun(text=plain(endpoint.name, 60), weight="Bolder", color="Accent")
    items: list[CardElement] = [
        rich([name]),
        sentence(endpoint_words(endpoint), spacing="None"),
        sentence(endpoint.url, is_subtle=True, spacing="None"),
    ]
    if endpoint.note:
        items.append(sentence(f"! {endpoint.note}", "Attention", spacing="None"))
    return Container(separator=True, spacing="Small", items=items)


def _version(version: ModelVersion) -> Container:
    name = TextRun(text=plain(f"{version.model} version {version.version}", 80), weight="Bolder")
    items: list[CardElement] = [
        rich([name]),
        sentence(version_words(version), is_subtle=True, spacing="None"),
    ]
    return Container(separator=True, spacing="Small", items=items)
