"""Claims of verified tokens. These records are only created after the token was verified."""

from dataclasses import dataclass

CODE_ONLY_JTI = "open"
"""The token id (`jti`) recorded for copies that use only the story's code."""

PREVIEW_JTI = "dashboard-preview"
"""Handle of the tokens that show the widget in the dashboard. They can only read."""

#: Permissions that a widget token can grant, in the order in which they are shown.
PERMISSIONS = ("read", "react", "comment")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Attribution that every copy of a story must show (CC BY 4.0, section 3(a))."""

    url: str | None = None
    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    license: str = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class WidgetClaims:
    """A widget token (`w1`): a story, the allowed origins and the permissions.

    Times are seconds since 1970.
    """

    site: str
    story: str
    origins: tuple[str, ...]
    iat: int
    jti: str
    exp: int | None = None
    can: tuple[str, ...] = PERMISSIONS
    attribution: Attribution = Attribution()
    changes: str | None = None
    label: str | None = None
    lang: str | None = None
    listed: bool = False
    """Whether the copy agrees to be listed on the story's page (`list`)."""
    republisher: bool = False
    """Whether this server made it for a republisher who asked on `/s/CODE/republish`.

    Such a token says nothing about the story, and grants no more than the story's code does.
    """

    @property
    def is_preview(self) -> bool:
        """Whether the token only shows the widget in the dashboard. Such a page is no copy."""
        return self.jti == PREVIEW_JTI and self.can == ("read",)


@dataclass(frozen=True, slots=True)
class ReaderClaims:
    """A reader token (`r1`): a random reader id or, for a vouched reader, `(site, sub)`.

    `rid` is 128 random bits in hex. The fields from `sub` to `exp` are set for a vouched reader:
    the site has identified this reader with an identity token.
    """

    site: str
    rid: str
    sub: str | None = None
    name: str | None = None
    avatar: str | None = None
    author: bool = False
    generation: int | None = None
    """Generation of the site key that signed the identity token. The token is valid as long as
    that key."""
    exp: int | None = None
    """End of the sign-in, in seconds since 1970."""
    sign_in_error: str | None = None
    """Error code: why the sign-in is no longer valid. Not in the token."""


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """An identity token (`i1`): the site identifies a reader. Usable once, for ten minutes."""

    site: str
    sub: str
    name: str
    jti: str
    iat: int
    exp: int
    avatar: str | None = None
    author: bool = False
