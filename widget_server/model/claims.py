"""What a verified token says. Holding one of these records is proof that it was checked."""

from dataclasses import dataclass

CODE_ONLY_JTI = "open"
"""Stands for the handle (`jti`) of a copy that carries only the story's code."""

#: What a widget token may grant, in the order in which it is shown.
PERMISSIONS = ("read", "react", "comment")


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a story wants to be named wherever it is carried (CC BY 4.0, section 3(a))."""

    url: str | None = None
    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    license: str = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class WidgetClaims:
    """A widget token (`w1`): which story, on which pages, with which rights. Times in seconds."""

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


@dataclass(frozen=True, slots=True)
class ReaderClaims:
    """A reader token (`r1`): who acts, as a random id or, for a vouched reader, `(site, sub)`.

    `rid` is 128 random bits in hex. All from `sub` to `exp` is set for a reader for whom the site
    vouched with an identity token.
    """

    site: str
    rid: str
    sub: str | None = None
    name: str | None = None
    avatar: str | None = None
    author: bool = False
    generation: int | None = None
    """Of the site key that vouched: the token ends with it."""
    exp: int | None = None
    """Until when the site's word holds, in seconds."""
    ended: str | None = None
    """The error code that says why it holds no more; not in the token."""


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """An identity token (`i1`): the site vouches for a reader of its own, once, for ten minutes."""

    site: str
    sub: str
    name: str
    jti: str
    iat: int
    exp: int
    avatar: str | None = None
    author: bool = False
