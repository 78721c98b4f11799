"""The dashboard's cookies: the session, for an hour the ticket of a one-time link, and the last visit."""

import re

from starlette.requests import Request
from starlette.responses import Response

from widget_server.operations.owners.links import TICKET_MS
from widget_server.operations.owners.sign_in import NewSession
from widget_server.web.dashboard.security import Address

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


VISIT_S = 90 * 86_400
"""Seconds for which the last visit is remembered."""


def session_secret(request: Request) -> str | None:
    """Return the secret in the session's cookie, or None."""
    return request.cookies.get(_name(request, "session"))


def ticket(request: Request) -> str | None:
    """Return the secret in the ticket's cookie, or None."""
    return request.cookies.get(_name(request, "ticket"))


def set_session(request: Request, response: Response, new: NewSession) -> None:
    """Set the session's cookie. Without “remember” it ends with the browser."""
    session = new.session
    age = (session.until - session.made_at) // 1000 if session.remembered else None
    _set(request, response, "session", new.secret, age)


def set_ticket(request: Request, response: Response, secret: str) -> None:
    """Set the ticket's cookie."""
    _set(request, response, "ticket", secret, TICKET_MS // 1000)


def visit(request: Request, site: str) -> str:
    """Return the cookie of `last_visit`, or an empty text."""
    return request.cookies.get(_name(request, f"visit-{site}"), "")


def set_visit(request: Request, response: Response, site: str, value: str) -> None:
    """Set the cookie of `last_visit`. It holds two times and nothing about the person."""
    _set(request, response, f"visit-{site}", value, VISIT_S)


def delete(request: Request, response: Response, *names: str) -> None:
    """Delete cookies: `session`, `ticket`."""
    for name in names:
        _set(request, response, name, "", 0)


def _set(request: Request, response: Response, name: str, value: str, age: int | None) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=age,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def _name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _is_secure(request) else f"local-{name}"


def _is_secure(request: Request) -> bool:
    address: Address = request.app.state.address
    return address.sends_secure_cookie(request.scope)


def describe_agent(header: str) -> str:
    """Return browser and system of a `User-Agent`, such as “Firefox on Linux”. No version: it is enough."""
    browser = next((name for part, name in _BROWSERS if part in header), "")
    system = next((name for part, name in _SYSTEMS if part in header), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or re.sub(r"[^A-Za-z0-9 ._-]", "", header)[:40] or "?"
