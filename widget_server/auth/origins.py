"""Which pages may carry a token: the rules a token names, and the `Origin` a browser sends."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from widget_server.content import urls

#: The rule for any page, sandboxed frames and callers without an origin included.
ANY = "*"

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_WILDCARD = "https://*."
_MAX_PAGE = 2_000
_MAX_RULE = 300


def parse_rule(text: str) -> str:
    """The rule in its one spelling: lower case, punycode, no default port.

    A rule is `https://host[:port]`, `https://*.host[:port]`, `http://localhost[:port]` (also
    `127.0.0.1` and `[::1]`) or `*`.

    Raises ValueError with a sentence for the person who wrote the rule.
    """
    if text == ANY:
        return ANY
    if len(text) > _MAX_RULE:
        raise ValueError("An origin is at most 300 characters long.")
    wildcard = text[: len(_WILDCARD)].lower() == _WILDCARD
    origin = _origin(f"https://{text[len(_WILDCARD) :]}" if wildcard else text)
    if origin is None:
        raise ValueError(
            "An origin is https://host, https://host:port, https://*.host or *, with nothing after"
            " it. Write a host in other letters than ASCII as punycode (xn--…)."
        )
    if origin.scheme == "http" and origin.host not in _LOCAL:
        raise ValueError("An origin with http:// is allowed for localhost only. Use https://.")
    if not wildcard:
        return origin.origin
    if _is_address(origin.host):
        raise ValueError("https://*. goes before the name of a host, not before an address.")
    return _WILDCARD + origin.origin.removeprefix("https://")


def spelling(url: str) -> str | None:
    """What a browser sends as `Origin` from pages at this address, or None if it is no origin.

    Whatever the scheme and host: where a server itself is reached is its operator's to say.
    """
    origin = _origin(url)
    return None if origin is None else origin.origin


def allows(rules: Sequence[str], origin: str | None) -> bool:
    """Whether a page with this `Origin` header may use a token with these rules.

    Scheme, host and port must be equal; below a wildcard there must be one label or more. A
    missing origin, `null` and everything that is no http(s) origin pass for the rule `*` only.
    """
    if ANY in rules:
        return True
    page = None if origin is None else _origin(origin)
    if page is None:
        return False
    return any(_matches(rule, page.origin) for rule in rules)


def spelled(origin: str | None) -> str | None:
    """A page's origin as a browser spells it, or None for what is no web page's: `null`, a rule."""
    page = None if origin is None else _origin(origin)
    return None if page is None else page.origin


def canonical_page_url(url: str, origin: str | None) -> str | None:
    """The page's address without query and fragment, or None.

    None for an address that is not of this origin, is no http(s) URL, or is longer than 2,000
    characters: an address tells readers where a copy is, so only the page itself may name it.
    """
    bare = url.partition("#")[0].partition("?")[0]
    if len(bare) > _MAX_PAGE or origin is None:
        return None
    page, own = _normal(urls.split(bare)), _origin(origin)
    if page is None or own is None or page.origin != own.origin:
        return None
    address = page.origin + (page.rest or "/")
    return address if len(address) <= _MAX_PAGE else None


def _matches(rule: str, page: str) -> bool:
    known = _parse_rule_cached(rule)
    if known is None:
        return False
    if known.startswith(_WILDCARD):
        suffix = known[len(_WILDCARD) - 1 :]
        return page.startswith("https://") and page.endswith(suffix)
    return known == page


@lru_cache(maxsize=4096)
def _parse_rule_cached(rule: str) -> str | None:
    try:
        return parse_rule(rule)
    except ValueError:
        return None


def _origin(text: str) -> urls.Url | None:
    """A URL that is nothing but an origin."""
    return _parsed(text) if len(text) <= _MAX_RULE else None


# Asked at every action and every join, for the same few pages; strangers can fill it with 1.2 MB.
@lru_cache(maxsize=4096)
def _parsed(text: str) -> urls.Url | None:
    url = _normal(urls.split(text))
    return url if url is not None and not url.rest and not url.host.endswith(".") else None


def _normal(url: urls.Url | None) -> urls.Url | None:
    """The same URL with its host as a browser sends it in `Origin`: in ASCII."""
    if url is None or url.host.isascii():
        return url
    # The standard library knows IDNA 2003 only. Where it would change a letter (ß to ss) a browser
    # would go to another host, so only a host that comes back unchanged is taken.
    try:
        host = url.host.encode("idna").decode("ascii")
        unchanged = host.encode("ascii").decode("idna") == url.host
    except UnicodeError:
        return None
    if not unchanged or urls.split(f"https://{host}") is None:
        return None
    return urls.Url(url.scheme, host, url.port, url.rest)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
