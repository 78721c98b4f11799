"""A discussion as JSON-LD (schema.org `DiscussionForumPosting`), for search engines and archives."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from markupsafe import Markup

from widget_server.content import urls
from widget_server.content.markdown import to_plain_text
from widget_server.model.records import Story
from widget_server.model.translations import Edition
from widget_server.protocol.snippet import LICENCES

MAX_COMMENTS = 20
"""Threads, and replies of each thread, that are described. The page itself shows more."""


def structured_data(
    server: str,
    story: Mapping[str, Any],
    site: str,
    total: int,
    reacted: int,
    threads: Sequence[Mapping[str, Any]],
    shown_as: Edition,
    original: Story,
) -> Markup:
    """Return the JSON-LD of a page's discussion, to stand inside of a `script` element.

    `story` and `threads` are as the protocol sends them. A removed comment is left out. `shown_as` says
    which translation of `original` the story is.
    """
    page = f"{server}/s/{story['code']}"
    title = story["title"] or story["key"]
    article: dict[str, Any] = {"@type": "Article", "headline": title}
    licence = LICENCES.get(story["license"])
    if urls.safe(story["url"]):
        article |= {"@id": story["url"], "url": story["url"]}
    article |= _languages(shown_as, original)
    if story["author"]:
        article["author"] = {"@type": "Person", "name": story["author"]}
    if story["publisher"]:
        article["publisher"] = {"@type": "Organization", "name": story["publisher"]}
    if licence:
        article["license"] = licence[1]
    names = ", ".join(filter(None, (story["author"], story["publisher"])))
    if names:
        article["creditText"] = names
    article |= {"discussionUrl": page, "commentCount": total}
    posting = {
        "@context": "https://schema.org",
        "@type": "DiscussionForumPosting",
        "@id": page,
        "url": page,
        "mainEntityOfPage": page,
        "headline": title,
        "text": title,
        "author": {
            "@type": "Person" if story["author"] else "Organization",
            "name": story["author"] or story["publisher"] or site,
        },
        "datePublished": story["created_at"],
        "sharedContent": article,
        "commentCount": total,
        "interactionStatistic": _counter(reacted),
        **_comments(page, threads),
    }
    # `<` would end the element at “</script>”; the others are line ends in old scripts.
    text = orjson.dumps(posting).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character of it can end the element


def _languages(shown_as: Edition, original: Story) -> dict[str, Any]:
    """Return the language of the article, and its translations or the original that it translates."""
    fields: dict[str, Any] = {"inLanguage": shown_as.lang} if shown_as.lang else {}
    if shown_as.translated:
        if urls.safe(original.url):
            fields["translationOfWork"] = {"@type": "Article", "@id": original.url}
        return fields
    translations = [
        {"@type": "Article", "@id": one.url, "headline": one.title, "inLanguage": tag}
        for tag, one in original.translations.items()
        if not one.original
    ]
    return fields | ({"workTranslation": translations} if translations else {})


def _comments(page: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `comment` with the comments and, in place of a removed one, its replies."""
    described: list[dict[str, Any]] = []
    for one in found[:MAX_COMMENTS]:
        if one["state"] == "published":
            described.append(_comment(page, one))
        else:
            described += _comments(page, one.get("replies", ())).get("comment", [])
    return {"comment": described} if described else {}


def _comment(page: str, comment: Mapping[str, Any]) -> dict[str, Any]:
    author = comment["author"]
    person = {"@type": "Person", "name": author["name"] or "Anonymous"}
    if urls.safe(author["website"]):
        person["url"] = author["website"]
    address = f"{page}?thread={comment['id']}#c-{comment['id']}"
    fields: dict[str, Any] = {
        "@type": "Comment",
        "@id": address,
        "url": address,
        "text": to_plain_text(comment["text"]),
        "author": person,
        "datePublished": comment["created_at"],
        "interactionStatistic": _counter(sum(comment["tally"]["counts"].values())),
    }
    given = LICENCES.get(comment.get("license", ""))
    if given:
        fields["license"] = given[1]
    if comment["edited_at"]:
        fields["dateModified"] = comment["edited_at"]
    if comment["lang"]:
        fields["inLanguage"] = comment["lang"]
    return fields | _comments(page, comment.get("replies", ()))


def _counter(number: int) -> dict[str, Any]:
    return {
        "@type": "InteractionCounter",
        "interactionType": {"@type": "LikeAction"},
        "userInteractionCount": number,
    }
