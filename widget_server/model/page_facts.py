"""What the server saw on the page of a copy."""

from dataclasses import dataclass
from typing import Literal

PageStatus = Literal["read", "missing", "unreachable"]
"""`read`, `missing` (the page's server answered with an error) or `unreachable` (no answer that is
a page, or an address that this server never asks)."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Title, language and credit of a page. None: unknown, or the page does not say."""

    title: str | None = None
    """One line of at most 200 characters, as the page gives it: untrusted text."""
    lang: str | None = None
    credit: bool | None = None
    """Whether the page names the story's author or publisher, or links to the story."""
    licence: bool | None = None
    """Whether it links to the story's licence."""
    snippet: bool | None = None
    """Whether it links to the story's discussion on this server."""


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The facts of a copy's page. `fetched_at` is in milliseconds."""

    copy: int
    page: str
    fetched_at: int
    status: PageStatus
    facts: PageFacts


@dataclass(frozen=True, slots=True)
class PageToLookAt:
    """The page of a copy, and what the page should say about its story."""

    copy: int
    page: str
    site: str
    """Slug of the story's site."""
    code: str
    author: str | None
    publisher: str | None
    story_url: str | None
    licence: str


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """An answer. `url` is the address after redirects."""

    url: str
    status: int
    content_type: str
    content: bytes
    complete: bool
    """False if the page is longer than the fetcher's limit."""
    policies: tuple[str, ...] = ()
    """The headers `Content-Security-Policy`."""
    link: str = ""
    """The headers `Link`, joined by commas."""
