"""What the page checker finds on a page that carries a story."""

from dataclasses import dataclass
from typing import Literal

FindingState = Literal["good", "fault", "advice", "unknown"]
"""`advice`: the page may stay as it is, and would be better with the line. `unknown`: cannot be said."""
WidgetKind = Literal["link", "element", "script", "frame"]
TextState = Literal["same", "older", "changed", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class PageWidget:
    """A snippet on a page. `token` is as the page has it: untrusted text."""

    kind: WidgetKind
    code: str | None
    """The story's code in its address, if it has one."""
    token: str | None
    sandbox: str | None = None
    """The attribute of a frame, in lower case; None: no sandbox."""


@dataclass(frozen=True, slots=True)
class TextSeen:
    """How a page's text compares with the versions of the story's text."""

    state: TextState
    version: int | None = None
    """The version that the page is closest to."""
    missing: tuple[str, ...] = ()
    """Passages of the newest version that the page does not have."""
    outdated: tuple[str, ...] = ()
    """Passages of an earlier version that the page still has."""


@dataclass(frozen=True, slots=True)
class PageSays:
    """What was read on a page. None: not in the first part of a long page, of which the rest was not read."""

    credit: bool | None
    licence: bool | None
    canonical: bool | None
    """Whether it names the story's own address as the original."""
    linked: bool
    """Whether it links to the story's discussion, in whatever way."""
    as_text: bool
    """Whether readers see the tags of the snippet."""
    script: bool
    widgets: tuple[PageWidget, ...] = ()
    policies: tuple[str, ...] = ()
    """Directives of the page's Content Security Policy that block the discussion."""
    default_only: tuple[str, ...] = ()
    """Those of `policies` that the page's policy lacks, so that its `default-src` blocks."""
    uncredited: tuple[str, ...] = ()
    """Credits of images of the story that the page shows without them."""
    not_included: tuple[str, ...] = ()
    """Descriptions of images that the page shows although they may not be republished."""
    complete: bool = True
    text: TextSeen | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for. `code` names the sentence that says it."""

    code: str
    state: FindingState
    line: str = ""
    """What to paste into the page, or into its policy."""
    missing: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    version: int | None = None
    version_at: int | None = None
    """When that version was stored, in milliseconds since 1970."""
    default_only: bool = False


@dataclass(frozen=True, slots=True)
class PageCheck:
    """The findings about one page. `page` is the address as it was sent, without its fragment."""

    story: str
    page: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that name something to change."""
        return tuple(one for one in self.findings if one.state == "fault")
