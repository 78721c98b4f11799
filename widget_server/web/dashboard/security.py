"""Protection of the dashboard: headers, requests of other pages, and plain HTTP.

A page of another origin can make a browser send a request here with the session's cookie. So a request
that changes something must come from the dashboard's own pages: `Sec-Fetch-Site` and `Origin` say so, and
a request with neither is refused.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_SITES = frozenset({"same-origin", "none"})


class Address:
    """Where the dashboard is: its origin and its host."""

    def __init__(self, origin: str, public_origin: str) -> None:
        self.origin = origin
        parts = urlsplit(origin)
        self.host = parts.netloc
        self.has_own_host = origin != public_origin
        self.is_https = parts.scheme == "https"
        self._public = public_origin

    def policy(self) -> str:
        """Return the Content-Security-Policy of every page. Frames show previews of the public origin."""
        previews = self._public if self.has_own_host else "'self'"
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "img-src 'self' data:",
                f"frame-src {previews}",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        )

    def is_here(self, scope: Scope) -> bool:
        """Return whether the request is for the dashboard: its path, and its host if it has an own one."""
        path: str = scope["path"]
        under = path == "/admin" or path.startswith("/admin/")
        if not self.has_own_host:
            return under
        return _host(scope) == self.host and (under or path == "/")

    def takes_all(self, scope: Scope) -> bool:
        """Return whether the request's host shows the dashboard only."""
        return self.has_own_host and _host(scope) == self.host

    def is_safe_transport(self, scope: Scope) -> bool:
        """Return whether cookies are safe here: HTTPS, or this machine."""
        return self.is_https or _is_loopback(scope)

    def sends_secure_cookie(self, scope: Scope) -> bool:
        """Return whether the cookie has `Secure` and `__Host-`. Browsers refuse both on plain HTTP."""
        return self.is_https or not _is_loopback(scope)

    def comes_from_own_page(self, scope: Scope) -> bool:
        """Return whether a request that changes something was made by a page of the dashboard."""
        headers = Headers(scope=scope)
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if not sites and not origins:
            return False
        if any(site not in _OWN_SITES for site in sites) or len(sites) > 1 or len(origins) > 1:
            return False
        return not origins or self._is_own(scope, origins[0])

    def _is_own(self, scope: Scope, origin: str) -> bool:
        if origin == self.origin:
            return True
        # On this machine the dashboard may be opened as localhost and as 127.0.0.1.
        return not self.is_https and _is_loopback(scope) and origin == f"http://{_host(scope)}"


def _host(scope: Scope) -> str:
    return Headers(scope=scope).get("host", "").lower()


def _is_loopback(scope: Scope) -> bool:
    try:
        return urlsplit(f"//{_host(scope)}").hostname in LOOPBACK
    except ValueError:
        return False


class DashboardHeaders:
    """Middleware: the headers of every response of the dashboard."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app = app
        self._policy = address.policy()
        self._is_https = address.is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _set(self, headers: MutableHeaders) -> None:
        headers.setdefault("Cache-Control", "no-store")
        headers["Content-Security-Policy"] = self._policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Robots-Tag"] = "noindex, nofollow"
        # Not `no-referrer`: browsers would then send `Origin: null` with forms.
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "publickey-credentials-get=(self), camera=(), microphone=()"
        if self._is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def is_unsafe(request: Request) -> bool:
    """Return whether the request may change something."""
    return request.method not in _SAFE_METHODS
