"""Read what the page checker must know of a stranger's page. Nothing of the page's own words is returned."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from widget_server.content import page_policy, passages, urls
from widget_server.content.page_policy import Policy
from widget_server.model.page_check import PageSays, PageWidget, TextSeen
from widget_server.model.page_facts import FetchedPage, PageToLookAt
from widget_server.operations.publishing.apart import received, run_apart, send
from widget_server.operations.publishing.read_page import bare, one_line, page_text, read_facts

MAX_WIDGETS = 20
MAX_TOKEN = 4_096
_IGNORED = re.compile(r"\A(?:noscript|template)\Z")
_CANONICAL = re.compile(r"<([^>]{1,2000})>[^,<]{0,200}rel\s*=\s*\"?canonical\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a page should say about its story. All of it is JSON."""

    page: PageToLookAt
    server: str
    versions: Sequence[passages.Version] = ()
    """Versions of the story's text, the newest first."""
    images: Sequence[Mapping[str, Any]] = ()
    """`url`, `alt`, `credit` and `included` of the story's images."""
    translations: Sequence[str] = ()
    """Addresses of the story's linked translations: a copy of one may name it as canonical."""


async def read_check_apart(answer: FetchedPage, expected: Expected) -> PageSays | None:
    """Return what `read_check` returns, or None if that takes too much time or memory."""
    said = await run_apart(__name__, answer, asdict(expected))
    if said is None:
        return None
    try:
        text = said.pop("text")
        widgets = tuple(PageWidget(**one) for one in said.pop("widgets"))
        seen = None if text is None else TextSeen(**_with_tuples(text))
        return PageSays(**_with_tuples(said), widgets=widgets, text=seen)
    except (KeyError, TypeError):
        return None


def _with_tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


def read_check(answer: FetchedPage, expected: Expected) -> PageSays:
    """Return what a page says."""
    page, server = expected.page, expected.server
    facts = read_facts(answer, page, server)
    tree = LexborHTMLParser(page_text(answer))
    own = f"{server}/s/{page.code}"
    widgets = tuple(_widgets(tree, server))[:MAX_WIDGETS]
    scripts = [one for one in tree.css("script[src]") if _is_embed(one, answer, server)]
    blocked, default_only = _blocked(answer, tree, widgets, scripts, server)
    images = {_image_name(one.attributes.get("src")) for one in tree.css("img[src]")}
    originals = (page.story_url, *expected.translations)
    canonical = any(_canonical(answer, tree, one) for one in originals)
    tree.strip_tags(["script", "style", "template"])
    body = one_line(tree.body.text(separator=" ")) if tree.body is not None else ""
    shown = [one for one in expected.images if _image_name(one["url"]) in images]
    return PageSays(
        facts.credit,
        facts.licence,
        canonical if canonical or answer.complete else None,
        bool(facts.snippet),
        "story-widget" in body and own in body and "href=" in body,
        bool(scripts),
        widgets,
        blocked,
        default_only,
        tuple(one["credit"] for one in shown if one["included"] and one["credit"] not in body),
        tuple(one["alt"] or one["credit"] for one in shown if not one["included"]),
        answer.complete,
        passages.compare(body, expected.versions, complete=answer.complete),
    )


def _widgets(tree: LexborHTMLParser, server: str) -> Iterator[PageWidget]:
    """Return the snippets of stories of this server, as the embed takes them up."""
    for node in tree.css("a[href], story-widget[src], script[data-story], iframe[src]"):
        if _is_ignored(node):
            continue
        tag, about = node.tag, node.attributes
        address = (about.get("src" if tag in ("story-widget", "iframe") else "href") or "").strip()
        place = _place(address, server)
        if tag == "a" and place is not None and place[0] == "s" and _is_taken_up(node):
            yield PageWidget("link", place[1], _token(about.get("data-widget-token")))
        elif tag == "story-widget" and place is not None and place[0] == "s":
            yield PageWidget("element", place[1], _token(about.get("token")))
        elif tag == "iframe" and place is not None and place[0] == "e":
            code, token = (place[1], None) if len(place[1]) == 12 else (None, place[1])
            sandbox = None if "sandbox" not in about else (about["sandbox"] or "").lower()
            yield PageWidget("frame", code, _token(token), sandbox)
        elif tag == "script" and _place(about.get("src") or "", server, any_path=True) is not None:
            token = _token(about.get("data-widget-token"))
            yield PageWidget("script", about.get("data-story") or None, token)


def _place(address: str, server: str, *, any_path: bool = False) -> tuple[str, str] | None:
    """Return the kind (`s` or `e`) and the code or token in an address of this server."""
    if address.startswith("//"):
        address = f"{server.partition(':')[0]}:{address}"
    if not urls.safe(address) or not address.startswith(f"{server}/"):
        return None
    if any_path:
        return "", ""
    parts = _path(address, server).split("/")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[1] in ("s", "e") else None


def _path(address: str, server: str) -> str:
    """Return the path of an address of this server."""
    return address.removeprefix(server).partition("#")[0].partition("?")[0]


def _is_taken_up(link: LexborNode) -> bool:
    """Return whether the embed makes a discussion of a link: by its class, or alone in its line."""
    if link.attributes.get("data-story-widget") == "off":
        return False
    if "story-widget" in (link.attributes.get("class") or "").split():
        return True
    parent = link.parent
    return (
        parent is not None
        and parent.tag != "body"
        and one_line(parent.text()) == one_line(link.text())
    )


def _is_ignored(node: LexborNode) -> bool:
    above = node.parent
    while above is not None:
        if _IGNORED.match(above.tag or "") or "contenteditable" in above.attributes:
            return True
        above = above.parent
    return False


def _token(text: str | None) -> str | None:
    return None if not text else text.strip()[: MAX_TOKEN + 1]


def _is_embed(script: LexborNode, answer: FetchedPage, server: str) -> bool:
    address = urls.joined(answer.url, script.attributes.get("src") or "")
    path = _path(address, server)
    return address.startswith(f"{server}/") and (
        path == "/embed.js" or (path.startswith("/embed/") and path.endswith(".js"))
    )


def _canonical(answer: FetchedPage, tree: LexborHTMLParser, url: str | None) -> bool:
    if url is None:
        return False
    named = [
        node.attributes.get("href") or ""
        for node in tree.css("link[rel][href]")
        if "canonical" in (node.attributes.get("rel") or "").lower().split()
    ]
    named += _CANONICAL.findall(answer.link)
    return any(bare(urls.joined(answer.url, one)) == bare(url) for one in named)


def _image_name(address: object) -> str:
    """Return the name of an image's file: a republisher has a copy at another address."""
    name = urls.file_name(address) if isinstance(address, str) else ""
    # WordPress and others add the size: boat-1024x683.jpg.
    return re.sub(r"-\d{2,5}x\d{2,5}(?=\.\w{2,5}\Z)", "", name).lower() or "\n"


def _blocked(
    answer: FetchedPage,
    tree: LexborHTMLParser,
    widgets: Sequence[PageWidget],
    scripts: Sequence[LexborNode],
    server: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return directives with the source that each lacks, and those that the policy lacks itself."""
    metas = [
        node.attributes.get("content") or ""
        for node in tree.css("meta[http-equiv][content]")
        if (node.attributes.get("http-equiv") or "").lower() == "content-security-policy"
    ]
    policies = page_policy.parse_policies([*answer.policies, *metas])
    socket = "ws" + server.removeprefix("http")
    needed: list[tuple[str, str, str]] = []
    if any(one.kind != "frame" for one in widgets):
        needed.append(("script-src", f"{server}/embed.js", server))
        needed.append(("connect-src", f"{server}/v1/actions", server))
        needed.append(("connect-src", f"{socket}/v1/live", socket))
    if any(one.kind == "frame" for one in widgets):
        needed.append(("frame-src", f"{server}/e/", server))
    about = scripts[0].attributes if scripts else {}
    nonce, integrity = about.get("nonce") or "", about.get("integrity") or ""
    page_origin = _origin(answer.url)
    blocked: dict[str, None] = {}
    default_only: dict[str, None] = {}
    for kind, url, source in needed:
        for policy in policies:
            more = {"nonce": nonce, "integrity": integrity} if kind == "script-src" else {}
            if not page_policy.allows(policy, kind, url, page_origin=page_origin, **more):
                blocked[f"{kind} {source}"] = None
                if _is_fallback(policy, kind):
                    default_only[kind] = None
    return tuple(blocked), tuple(default_only)


def _is_fallback(policy: Policy, kind: str) -> bool:
    return page_policy.directive_of(policy, kind) == "default-src"


def _origin(url: str) -> str:
    parts = urls.split(url)
    return "" if parts is None else parts.origin


def _main() -> None:
    """Read a page from standard input, and write what it says as JSON."""
    answer, more = received()
    page = PageToLookAt(**more.pop("page"))
    send(asdict(read_check(answer, Expected(page, **more))))


if __name__ == "__main__":
    _main()
