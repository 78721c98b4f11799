"""Check a page's `Origin` header against the origin rules of a token."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from widget_server.content import urls
from widget_server.model.limits import MAX_PAGE_LENGTH

ANY = "*"
"""The rule for any page, including sandboxed iframes and callers without an origin."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_WILDCARD = "https://*."
_MAX_RULE = 300


def parse_rule(text: str) -> str:
    """Return the rule in its canonical spelling: lower case, punycode, no default port.

    A rule is `https://host[:port]`, `https://*.host[:port]`, `http://localhost[:port]` (also
    `127.0.0.1` and `[::1]`) or `*`.

    Raises ValueError with a sentence for the person who wrote the rule.
    """
    if text == ANY:
        return ANY
    if len(text) > _MAX_RULE:
        raise ValueError(f"An origin is at most {_MAX_RULE} characters long.")
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


def origin_of_url(url: str) -> str | None:
    """Return the `Origin` that a browser sends from pages of this URL, or None if it is no origin.

    Unlike a rule, it may be plain HTTP on any host: the operator chooses the server's own address.
    """
    origin = _origin(url)
    return None if origin is None else origin.origin


def allows(rules: Sequence[str], origin: str | None) -> bool:
    """Return whether a page with this `Origin` header may use a token with these rules.

    Scheme, host and port must be equal. A wildcard stands for one label or more. A missing origin,
    `null` and every other value that is no http(s) origin match the rule `*` only.
    """
    if ANY in rules:
        return True
    page = None if origin is None else _origin(origin)
    if page is None:
        return False
    return any(_matches(rule, page.origin) for rule in rules)


def canonical_origin(origin: str | None) -> str | None:
    """Return a page's origin as a browser spells it. None for `null` and wildcard rules."""
    page = None if origin is None else _origin(origin)
    return None if page is None else page.origin


def canonical_page_url(url: str, origin: str | None) -> str | None:
    """Return the page's address without query and fragment, or None.

    None if the address has another origin, is no http(s) URL, or is longer than 2,000 characters.
    The address tells readers where a copy is, so a page may only name its own.
    """
    bare = url.partition("#")[0].partition("?")[0]
    if len(bare) > MAX_PAGE_LENGTH or origin is None:
        return None
    page, expected = _with_ascii_host(urls.split(bare)), _origin(origin)
    if page is None or expected is None or page.origin != expected.origin:
        return None
    address = page.origin + (page.rest or "/")
    return address if len(address) <= MAX_PAGE_LENGTH else None


def _matches(rule: str, page: str) -> bool:
    canonical = _parse_rule_cached(rule)
    if canonical is None:
        return False
    if canonical.startswith(_WILDCARD):
        suffix = canonical[len(_WILDCARD) - 1 :]
        return page.startswith("https://") and page.endswith(suffix)
    return canonical == page


@lru_cache(maxsize=4096)
def _parse_rule_cached(rule: str) -> str | None:
    try:
        return parse_rule(rule)
    except ValueError:
        return None


def _origin(text: str) -> urls.Url | None:
    """Return the parsed URL if it is only an origin, else None."""
    return _parse_origin_cached(text) if len(text) <= _MAX_RULE else None


# Every action and every subscription parses an origin, mostly of the same few pages. Strangers can
# fill the cache: 1.2 MB.
@lru_cache(maxsize=4096)
def _parse_origin_cached(text: str) -> urls.Url | None:
    url = _with_ascii_host(urls.split(text))
    return url if url is not None and not url.rest and not url.host.endswith(".") else None


def _with_ascii_host(url: urls.Url | None) -> urls.Url | None:
    """Return the URL with its host as a browser sends it in `Origin`: in ASCII."""
    if url is None or url.host.isascii():
        return url
    # The standard library has IDNA 2003 only. If it changes a letter (ß to ss), a browser goes to
    # another host. So accept only a host that decodes to itself.
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
