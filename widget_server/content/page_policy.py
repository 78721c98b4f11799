"""Read a page's Content Security Policy: which directives keep the discussion out (CSP 3)."""

from collections.abc import Iterable, Mapping, Sequence

from widget_server.content import urls

Policy = Mapping[str, Sequence[str]]
_FALLBACKS = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
}
_SAME_SCHEME = {
    "http": ("http", "https"),
    "ws": ("ws", "wss", "http", "https"),
    "wss": ("wss", "https"),
}
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def parse_policies(texts: Iterable[str]) -> list[Policy]:
    """Return the policies of headers and `<meta>` elements. All of them hold at once."""
    found: list[Policy] = []
    for text in texts:
        for one in text.split(","):
            policy: dict[str, list[str]] = {}
            for directive in one.split(";"):
                name, *sources = directive.split()[:200] or [""]
                if name:
                    policy.setdefault(name.lower(), sources)
            if policy:
                found.append(policy)
    return found


def directive_of(policy: Policy, kind: str) -> str | None:
    """Return the directive that decides about a kind of request, or None if all are allowed."""
    return next((name for name in _FALLBACKS[kind] if name in policy), None)


def allows(
    policy: Policy, kind: str, url: str, *, page_origin: str, nonce: str = "", integrity: str = ""
) -> bool:
    """Return whether a policy lets a page ask for an address. `url` may begin with `ws:` or `wss:`."""
    name = directive_of(policy, kind)
    if name is None:
        return True
    sources = policy[name]
    if kind == "script-src":
        words = integrity.split()
        if nonce and f"'nonce-{nonce}'" in sources:
            return True
        if words and all(f"'{word}'" in sources for word in words):
            return True
        if "'strict-dynamic'" in (source.lower() for source in sources):
            return False
    return any(_matches(source, url, page_origin) for source in sources)


def _matches(source: str, url: str, page_origin: str) -> bool:
    lower = source.lower()
    scheme, _, rest = url.partition("://")
    if lower == "*":
        return True
    if lower == "'self'":
        return _bare(url).partition("/")[0] == _bare(page_origin).partition("/")[0]
    if lower.startswith("'"):
        return False
    if lower.endswith(":") and "/" not in lower:
        return _matches_scheme(lower[:-1], scheme)
    wanted, separator, after = source.partition("://")
    if not separator:
        # A source without a scheme has that of the page, also for sockets.
        wanted = page_origin.partition("://")[0].replace("http", "ws" if "ws" in scheme else "http")
        after = source
    if not _matches_scheme(wanted.lower(), scheme):
        return False
    authority, slash, path = after.partition("/")
    if not _matches_host(authority.lower(), rest.partition("/")[0], _PORTS.get(scheme, 0)):
        return False
    url_path, path = "/" + rest.partition("/")[2].partition("?")[0], slash + path
    return path in ("", "/", url_path) or (path.endswith("/") and url_path.startswith(path))


def _matches_scheme(wanted: str, scheme: str) -> bool:
    return scheme in _SAME_SCHEME.get(wanted, (wanted,))


def _matches_host(wanted: str, authority: str, default_port: int) -> bool:
    host, port = _host_and_port(wanted)
    url_host, url_port = _host_and_port(authority)
    if host.startswith("*."):
        if not url_host.endswith(host[1:]):
            return False
    elif host not in ("*", url_host):
        return False
    return port == "*" or int(port or default_port) == int(url_port or default_port)


def _host_and_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if colon and (port == "*" or (port.isascii() and port.isdecimal() and len(port) < 6)):
        return host, port
    return authority, ""


def _bare(url: str) -> str:
    """Return host, port and path, with the port also where it is the default."""
    scheme, _, rest = url.partition("://")
    parts = urls.split(f"{'https' if scheme in ('https', 'wss') else 'http'}://{rest}")
    return "" if parts is None else f"{parts.host}:{parts.port}{parts.rest}"
