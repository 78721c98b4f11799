"""Fill the demo with what an owner has after some days, by commands and as its readers."""

# ruff: noqa: S310, S603 - a script for people who change the documentation

import json
import re
import subprocess
import sys
import urllib.request
import uuid
from html import unescape

from make import Demo, _env, add_content

SITE = "harbour-post"
OTHER_STORIES = (
    ("market-hall", "The market hall gets its roof back", "Leo Brandt"),
    ("night-bus", "A night bus for three villages", "Ines Falk"),
    ("tide-mill", "Who owns the tide mill?", "Noor Haddad"),
)
CALM_WORDS = (
    "My father took this ferry every day, and read all the way.",
    "Does the sail of the old boat still hang in the hall?",
    "Sails, rope and books: what more does an island need?",
    "Thank you for this story. The photo of the captain is lovely.",
    "Could other islands borrow the boat in winter?",
)
ADVERTS = 9
FLOOD = 40
OBJECTION = "I did not insult anybody. I quoted what the mayor said, see the third paragraph."
ERRORS = (
    ("The boat was built in 1961. My grandfather worked on her.", "built in 1971", "Rita Okafor"),
    ("The harbour master is called Ana, not Anna.", "Anna Lund", None),
)
HOURS = "Europe/Lisbon; mon-fri 06:00-23:00 open; sat,sun 08:00-20:00 approval; 2026-12-24..2026-12-26 closed"


def command(demo: Demo, *arguments: str) -> str:
    """Return the output of a command on the demo's data."""
    line = [sys.executable, "-m", "widget_server", *arguments, "--data", str(demo.data)]
    env = {**_env(), "PUBLIC_URL": demo.server}
    return subprocess.run(line, check=True, capture_output=True, text=True, env=env).stdout.strip()


def seed(demo: Demo, other: str) -> None:
    """Add what an owner has after some days: stories, copies, pending and reported comments, people."""
    add_content(demo)
    origin, code, token = first_copy(demo)
    tags = "tags=Good letter, Ask the newsroom, Fact to check"
    command(demo, "site", "set", SITE, "website=optional", "email=optional", tags)
    rude = demo.post_comment(
        token, origin, code, "Bo", "Nobody reads any more. Close it, and fire the captain."
    )
    advert = demo.post_comment(
        token, origin, code, "Cheap Sails", "Sails at half price: https://sails.example/now"
    )
    for comment, reason in ((rude, "He attacks the crew."), (advert, "Spam"), (advert, "Again.")):
        demo.action(token, origin, type="report", story=code, comment=comment, reason=reason)
    gone = demo.post_comment(token, origin, code, "Rob", "Call me on 555 0199, any time.")
    command(
        demo, "comment", "remove", gone, "--reason", "privacy", "--note", "A private phone number."
    )
    command(demo, "comment", "pin", first_comment(demo, code))
    command(demo, "comment", "tag", rude, "--tag", "Ask the newsroom")
    for number, (key, title, author) in enumerate(OTHER_STORIES):
        about = ("--title", title, "--author", author, "--label", "Northside Weekly")
        address = ("--url", f"https://harbour.example/{key}")
        signed = demo.token(key, *about, *address, "--origin", other, "--lang", "en")
        story = _code(demo, signed)
        for _ in range(3 + number):
            demo.action(signed, other, type="react", story=story, reaction="happy")
        if number == 0:
            command(demo, "story", "set", story, "moderation=pre")
        for name in ("Amir", "Lotte"):
            text = "The old roof leaked for *eleven* years. Who checks this one?"
            demo.post_comment(signed, other, story, name, text)
        if number == len(OTHER_STORIES) - 1:
            command(demo, "story", "close", story)
    command(demo, "story", "notice", code, "From the editors: the boat sails at five on Sundays.")
    command(
        demo,
        "people",
        "invite",
        "--role",
        "moderator",
        "--site",
        SITE,
        "--email",
        "lea@post.example",
    )
    command(demo, "key", "create", SITE, "--label", "Website", "--scope", "token")


def add_objection(demo: Demo) -> None:
    """Remove a comment whose author objects."""
    origin, code, token = first_copy(demo)
    words = "“Nobody needs books”, said the mayor. What a fool."
    fields = {"story": code, "key": str(uuid.uuid4()), "name": "Selma", "body": words}
    written = demo.action(token, origin, type="comment", **fields)
    reader, comment = written["reader"], written["comment"]["id"]
    command(demo, "comment", "remove", comment, "--reason", "attack")
    appeal = {"story": code, "comment": comment, "text": OBJECTION, "reader": reader}
    demo.action(token, origin, type="appeal", **appeal)


def add_error_report(demo: Demo) -> None:
    """Let readers report errors in the story."""
    origin, code, token = first_copy(demo)
    for text, passage, credit in ERRORS:
        fields = {"story": code, "text": text, "passage": passage, "credit": credit}
        demo.action(token, origin, type="hint", **fields)


def add_defence(demo: Demo) -> None:
    """Add what defends a site: a rule in shadow, a flood that is held, hours and capacity."""
    origin, code, token = first_copy(demo)
    for number, body in enumerate(CALM_WORDS * 6):
        demo.post_comment(token, origin, code, ("Ola", "Berit", "Tariq")[number % 3], body)
    texts = [f"Cheap sails, order number {number} today" for number in range(ADVERTS)]
    adverts = [demo.post_comment(token, origin, code, "Shop", text) for text in texts]
    command(demo, "comment", "spam", *adverts)
    rule = ("--name", "Cheap sails", "--word", "cheap sails", "--word", "sails")
    command(demo, "rule", "add", SITE, "--kind", "words", *rule)
    command(demo, "site", "set", SITE, "floods=on")
    for number in range(FLOOD):
        demo.post_comment(token, origin, code, "Troll", f"Sink it {number}")
    command(demo, "site", "set", SITE, f"hours={HOURS}", "capacity=approval 100/30; closed 200/120")


def first_copy(demo: Demo) -> tuple[str, str, str]:
    """Return origin, story's code and token of the demo's first page."""
    origin = demo.page_address(0)
    with urllib.request.urlopen(origin) as answer:
        html = answer.read().decode()
    token = unescape(re.findall(r'data-widget-token="([^"]+)"', html)[0])
    return origin, re.findall(r"/s/(\w{12})", html)[0], token


def first_comment(demo: Demo, code: str) -> str:
    """Return the id of the oldest comment of a story."""
    listed = json.loads(command(demo, "comment", "list", SITE, "--story", code, "--json"))
    return str(listed[-1]["id"])


def _code(demo: Demo, token: str) -> str:
    with urllib.request.urlopen(f"{demo.server}/e/{token}") as answer:
        return str(re.findall(r"/s/(\w{12})", answer.read().decode())[0])
