"""Every page that the server sends to readers and republishers, and every snippet, is valid HTML."""

import re
from typing import Any

import httpx
from starlette.routing import Route

from tests.e2e.publisher import Publisher, Story
from tests.html_validator import document, expect_valid
from tests.web.owner_program import program
from tests.web.plain_reader import PlainReader
from tests.web.shared_server import SECRET, SharedServer
from widget_server.protocol.owner_operations import OWNER_PREFIX
from widget_server.web.pages.places import PLACES
from widget_server.web.pages.translate import LOCALES
from widget_server.web.routes import create_asgi_app

BROWSER = {"Accept": "text/html"}
HOSTILE = "</title>“&\"'<img src=x onerror=alert(1)> --> ]]>"
SNIPPETS = ("html", "link", "iframe", "email")
PAGES: dict[str, tuple[str, ...]] = {
    "/": ("",),
    "/s/{code}": (
        *("", "?order=top", "?thread={comment}"),
        *("/s/{empty}", "/s/{closed}", "/s/{own}", "/s/unknownCode1"),
    ),
    "/s/{code}/write": ("", "/s/{closed}/write", "/s/{own}/write", "/s/unknownCode1/write"),
    "/s/{code}/republish": (
        *("", "/s/{own}/republish", "/s/{closed}/republish"),
        *(f"?where={place}" for place in PLACES),
    ),
    "/s/{code}/copy/{secret}": ("", "/s/{code}/copy/x"),
    "/s/{code}/check": ("", "/s/{empty}/check", "/s/unknownCode1/check"),
    "/s/{code}/corrections": ("", "/s/{empty}/corrections", "/s/unknownCode1/corrections"),
    "/s/{code}/changes": ("?from=1", "?from=2", "?from=3", "/s/{empty}/changes?from=1"),
    "/s/{code}/discussion.{format}": ("/s/{code}/discussion.html", "/s/{empty}/discussion.html"),
    "/e/{reference}": ("/e/{code}", "/e/{token}", "/e/unknownCode1"),
}
"""Pages by route: what follows the route's path, or another path of the same route."""
NOT_PAGES = {
    *("/embed.js", "/embed/{file}", "/static/{file}"),
    *("/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/oembed"),
    *("/s/{code}/feed.{format}", "/sites/{site}/feed.{format}"),
    *("/s/{code}/featured.{format}", "/sites/{site}/featured.{format}"),
    *(
        "/s/{code}/corrections.json",
        "/s/{code}/corrections.atom",
        "/s/{code}/corrections.feed.json",
    ),
    *("/s/{code}/replies", "/s/{code}/replies/{comment}"),
}
"""Routes beside those of the API that answer with something else."""


def test_every_page_of_the_server_is_in_this_walk() -> None:
    nothing: Any = None
    routes = {
        route.path
        for route in create_asgi_app(nothing, nothing, 0).routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    api = {path for path in routes if path.startswith(("/v1/", OWNER_PREFIX))}
    assert routes - api == {*PAGES, *NOT_PAGES}


def full_story(server: SharedServer) -> dict[str, str]:
    """Fill stories and return what stands for the parameters of a path, by name."""
    story = server.story(
        title=HOSTILE, author="Ann <b>", publisher="Press", url="https://press.example/a?b=1&c=2"
    )
    top = server.post(
        story,
        "**Bold**\n\n- one\n- two\n\n> quoted `code`\n\nhttps://a.example/?x=1&y=2",
        name="</p>",
    )
    server.post(story, "A reply", parent=top["comment"]["id"])
    gone = server.post(story, "gone")
    server.post(story, "A reply to what is gone", parent=gone["comment"]["id"])
    server.action(story, "delete", comment=gone["comment"]["id"], reader=gone["reader"])
    for number in range(25):
        server.post(story, f"Comment {number}", name="Bo", website="https://bo.example/")
    server.cli("story", "notice", story.code, "From the editors: <it> rains.")
    image = {"url": "https://press.example/a.jpg", "alt": "A boat", "credit": "Ann <b>"}
    text = {
        "text": "## Head\n\nSome *words*.",
        "format": "markdown",
        "title": HOSTILE,
        "images": [image],
    }
    for more in ("", " With <more>.\n\nAnd a passage."):
        newer = text | {"text": f"{text['text']}{more}"}
        assert program(server).send("PUT", f"/stories/{story.code}/text", newer).status_code == 200
    closed = server.story(license="LicenseRef-Own")
    server.cli("story", "close", closed.code)
    slug = f"html-{story.code.lower()}"
    server.site(slug, "open_republishing=off", "accent=#bc3027")
    own = Publisher(slug, SECRET).story()
    server.register(own)
    made = republish(server, story, address="their.example", label="Their <b>", listed="on")
    return {
        "code": story.code,
        "token": story.token,
        "comment": top["comment"]["id"],
        "empty": server.story().code,
        "closed": closed.code,
        "own": own.code,
        "secret": made.text.partition(f"/s/{story.code}/copy/")[2][:32],
    }


def republish(server: SharedServer, story: Story, query: str = "", **fields: str) -> httpx.Response:
    parts = {name: (None, value) for name, value in fields.items()}
    headers = BROWSER | {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    return server.http.post(f"/s/{story.code}/republish{query}", files=parts, headers=headers)


def test_every_page_is_valid_html(shared_server: SharedServer) -> None:
    names = full_story(shared_server)
    pages = {}
    for route, rest in PAGES.items():
        for more in rest:
            place = (more if more.startswith("/") else route + more).format(
                **names, reference=names["code"]
            )
            answer = shared_server.http.get(place, headers=BROWSER)
            assert answer.headers["content-type"].startswith("text/html"), place
            pages[place] = answer.text
    expect_valid(pages)


def test_the_pages_are_valid_html_in_every_language(shared_server: SharedServer) -> None:
    names, pages = full_story(shared_server), {}
    for lang in LOCALES:
        for place in (
            *(
                "/",
                "/s/{code}",
                "/s/{code}/write",
                "/s/{code}/republish",
                "/s/{code}/copy/{secret}",
            ),
            *("/e/{code}", "/s/unknownCode1", "/s/{code}/changes?from=1"),
        ):
            headers = BROWSER | {"Accept-Language": lang}
            answer = shared_server.http.get(place.format(**names), headers=headers)
            pages[f"{lang} {place}"] = answer.text
    expect_valid(pages)


def test_every_step_of_the_forms_is_valid_html(shared_server: SharedServer) -> None:
    story = shared_server.story(title="Steps")
    other = shared_server.post(story, "of another reader", name="Ann")["comment"]["id"]
    reader = PlainReader(shared_server.http, story.code)
    pages: dict[str, str] = {}

    def step(do: str, **typed: str) -> None:
        reader.press(do, **typed)
        pages[f"{len(pages)}: {do}"] = reader.html

    step("post", body=" ")
    step("preview", body="**A** preview")
    step("post", body="Mine", name="Bo")
    own = next(do for do in reader.page.buttons if do.startswith("edit:")).partition(":")[2]
    for do in (
        f"edit:{own}",
        "cancel",
        f"delete:{own}",
        "cancel",
        f"report:{other}",
        "cancel",
        f"reply:{other}",
        "cancel",
        "hint",
        "send-hint",
        "cancel",
        "forget",
        "cancel",
    ):
        step(do)
    step("hint")
    step("send-hint", text="It was built in 1961.")
    for do in [do for do in reader.page.buttons if do.startswith(("react:", "on:"))]:
        step(do)
    shared_server.cli("comment", "remove", own, "--reason", "hate")
    step("preview", body="again")
    step(f"object:{own}")
    for name, fields in {"made": {"address": "their.example"}, "wrong": {"address": "*"}}.items():
        pages[name] = republish(shared_server, story, **fields).text
    expect_valid(pages)


def test_every_snippet_is_valid_html_but_for_two_attributes_that_systems_need(
    shared_server: SharedServer,
) -> None:
    """Editors drop `style`: then `width` keeps the frame as wide as its column, and `frameborder` without a border."""
    pages = {}
    for claims in (
        {"title": HOSTILE, "url": "https://press.example/a?b=1&c=2", "author": "Ann"},
        {},
    ):
        story = shared_server.story(**claims)
        for form in SNIPPETS:
            about = ("--story", story.key, "--origin", "https://their.example")
            words = ("token", "--site", "press", *about, "--snippet", "--form", form)
            said = shared_server.cli(*words)
            pages[f"{form} {claims}"] = document(said)
        page = f"{shared_server.server.env['PUBLIC_URL']}/s/{story.code}"
        answer = shared_server.http.get("/oembed", params={"url": page})
        pages[f"oembed {claims}"] = document(answer.json()["html"])
        shared_server.post(story, "**Bold** and https://a.example/?x=1&y=2")
        for item in shared_server.http.get(f"/s/{story.code}/feed.json").json()["items"]:
            pages[f"feed {claims}"] = document(item["content_html"])
    needed = re.compile(' width="100%"| frameborder="0"')
    expect_valid({name: needed.sub("", page) for name, page in pages.items()})
