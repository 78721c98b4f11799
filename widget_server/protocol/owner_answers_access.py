"""Answers of the owner API about tokens, signing keys, people and API keys, one model for each."""

from pydantic import Field

from widget_server.protocol.owner_answers import Answer, CopyAnswer, PageOf


class TokenAnswer(Answer):
    """What a widget token says, and where it was used."""

    jti: str
    story: str
    title: str | None
    label: str | None
    origins: list[str]
    can: list[str]
    lang: str | None
    issued_at: str
    expires_at: str | None
    generation: int | None
    by: str | None = Field(description="Who minted it; null: made elsewhere.")
    status: str
    copies: int
    last_used_at: str | None


class TokenList(PageOf):
    """Widget tokens, the newest first."""

    tokens: list[TokenAnswer]
    total: int


class Minted(Answer):
    """A new widget token. `token` and `snippets` are only in the first answer."""

    jti: str
    code: str = Field(description="The story's public code.")
    token: str | None
    snippets: dict[str, str] | None


class RevokedToken(Answer):
    """A widget token that was taken back."""

    jti: str
    copies: list[str] = Field(description="Origins on which it was seen.")
    shut_out: str | None
    before: bool


class Generation(Answer):
    """A generation of the site's signing key."""

    number: int | None
    signs: bool
    accepted: bool
    tokens: int
    copies: int


class Stops(Answer):
    """What stops if all signing keys but the newest are retired."""

    generation: int
    copies: list[CopyAnswer]
    total: int
    unknown: int


class SigningKeys(Answer):
    """The site's signing keys, and what would stop without the old ones. Never the keys themselves."""

    generations: list[Generation]
    would_stop: Stops


class Retired(Answer):
    """What retiring the old signing keys stopped, or would stop."""

    dry_run: bool
    stops: Stops


class MemberAnswer(Answer):
    """A person with a role on the site."""

    account: str
    name: str
    role: str
    copies: list[int] | None


class MemberList(Answer):
    """All people of the site."""

    members: list[MemberAnswer]


class InvitationAnswer(Answer):
    """An open invitation. `url` signs somebody in, and is only in the first answer."""

    id: str
    role: str | None
    copies: list[int] | None
    until: str
    url: str | None


class InvitationList(Answer):
    """All open invitations."""

    invitations: list[InvitationAnswer]


class KeyAnswer(Answer):
    """An API key. `key` is only in the first answer."""

    id: str
    label: str
    scopes: list[str]
    by: str | None
    created_at: str
    last_used_at: str | None
    until: str | None
    key: str | None


class KeyList(Answer):
    """All API keys in use."""

    keys: list[KeyAnswer]
