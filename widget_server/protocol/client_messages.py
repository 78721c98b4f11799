"""What embeds may send: one model a message, the only place where their shape is checked.

Fields that are not known are passed over, so that a newer embed can talk to an older server.
What a text may contain is checked by `trust`, not here.
"""

import re
from contextlib import suppress
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from widget_server.model.errors import MalformedError, TooLargeError
from widget_server.model.identifiers import COMMENT_ID, IDEMPOTENCY_KEY, LANGUAGE_TAG, STORY_CODE
from widget_server.model.limits import MAX_LANGUAGE_LENGTH, MAX_PAGE_LENGTH, MAX_TOKEN_LENGTH

MAX_BYTES = 32 * 1024
"""Bytes of one message (PROTOCOL, section 3)."""

Ref = Annotated[int, Field(ge=0, lt=2**53, description="Echoed in the answer.")]
Code = Annotated[
    str, Field(pattern=f"^{STORY_CODE.pattern}$", description="A story's public code.")
]
CommentId = Annotated[str, Field(pattern=f"^{COMMENT_ID.pattern}$", description="A comment's id.")]
Token = Annotated[str, Field(max_length=MAX_TOKEN_LENGTH, description="A signed token, unchanged.")]


def _or_none_such(value: object) -> object:
    """A token of a wrong kind or size is one that is not valid: it costs no more than that."""
    return (
        value
        if value is None or (isinstance(value, str) and len(value) <= MAX_TOKEN_LENGTH)
        else "-"
    )


Extra = Annotated[
    str | None,
    BeforeValidator(_or_none_such),
    Field(max_length=MAX_TOKEN_LENGTH, description="A signed token, unchanged."),
]
Key = Annotated[
    str, Field(pattern=f"^{IDEMPOTENCY_KEY.pattern}$", description="Made by the client: a UUID.")
]
First = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
        description="A UUID of version 4 that the client keeps until it holds a reader token.",
    ),
]


def _drop_unfit(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """Return the checked value, or None for one that does not fit: see `Describing`."""
    with suppress(ValidationError):
        return check(value)
    return None


Describing = WrapValidator(_drop_unfit)
"""For fields that only describe: what does not fit is dropped, and never costs the message.

Their values come from whatever page the embed is in.
"""
Page = Annotated[
    Annotated[str, Field(max_length=MAX_PAGE_LENGTH, description="Address of the page, no query.")]
    | None,
    Describing,
]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    ref: Ref | None = None


class Since(BaseModel):
    """A position that a snapshot or a frame gave."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    epoch: str = Field(max_length=64)
    seq: int = Field(ge=0, lt=2**53)


class Subscribe(_Message):
    """Send me this story from now on: by token, or by code where the site allows open reading."""

    type: Literal["subscribe"]
    token: Token | None = None
    story: Code | None = None
    reader: Extra = None
    identity: Extra = None
    since: Annotated[Since | None, Describing] = None
    page: Page = None
    lang: Annotated[
        Annotated[str, Field(pattern=f"^{LANGUAGE_TAG.pattern}$", max_length=MAX_LANGUAGE_LENGTH)]
        | None,
        Describing,
    ] = None


class _ActionMessage(_Message):
    story: Code
    token: Token | None = Field(None, description="Over HTTP: the widget token.")
    reader: Token | None = Field(None, description="Over HTTP: the reader token, once issued.")
    first: First | None = Field(
        None, description="Without a reader token: the secret that the new reader is made from."
    )


class React(_ActionMessage):
    """Set the reader's one reaction to the story or to a comment; null takes it back."""

    type: Literal["react"]
    reaction: str | None
    comment: CommentId | None = None


class Comment(_ActionMessage):
    """Post a comment. Sending the same `key` again never posts twice."""

    type: Literal["comment"]
    key: Key
    body: str = Field(description="Markdown, 1 to 5,000 code points.")
    name: str | None = None
    email: str | None = None
    website: str | None = None
    parent: CommentId | None = None
    page: Page = None


class Edit(_ActionMessage):
    """Change the own comment, as long as the site's edit window is open."""

    type: Literal["edit"]
    comment: CommentId
    body: str


class Delete(_ActionMessage):
    """Take the own comment back, as long as the site's edit window is open."""

    type: Literal["delete"]
    comment: CommentId


class Report(_ActionMessage):
    """Tell the moderators about a comment."""

    type: Literal["report"]
    comment: CommentId
    reason: str | None = None


class Forget(_ActionMessage):
    """Erase everything that this reader left on the site."""

    type: Literal["forget"]


class Unsubscribe(_Message):
    """Send me nothing more of this story."""

    type: Literal["unsubscribe"]
    story: Code


class Visibility(_Message):
    """Whether the page is seen; a hidden one gets no tallies and no presence."""

    type: Literal["visible"]
    value: bool


Action = React | Comment | Edit | Delete | Report | Forget
Message = Subscribe | Action | Unsubscribe | Visibility

ACTIONS: TypeAdapter[Action] = TypeAdapter(Annotated[Action, Field(discriminator="type")])
MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


_UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def first_of(action: Action) -> str | None:
    """Return the secret that the reader of an action without a reader token is made from, if any.

    A comment without `first` has its `key`, if that is random (a UUID of version 4), so that it is
    posted once however often it is sent; another might not be one sender's alone.
    """
    if action.first is not None:
        return action.first.lower()
    if isinstance(action, Comment) and _UUID_4.fullmatch(action.key):
        return action.key
    return None


class InvalidMessageError(MalformedError):
    """A message that is no message; `ref` is its reference where one could be made out."""

    def __init__(self, detail: str, ref: int | None = None) -> None:
        super().__init__(detail)
        self.ref = ref


def parse_message(data: str | bytes) -> Message:
    """A message of the socket. Raises `InvalidMessageError` and `TooLargeError`."""
    message: Message = _parse(data, MESSAGES)
    return message


def parse_action(data: bytes) -> Action:
    """The body of `POST /v1/actions`. Raises `InvalidMessageError` and `TooLargeError`."""
    action: Action = _parse(data, ACTIONS)
    return action


def _parse(data: str | bytes, adapter: TypeAdapter[Any]) -> Any:
    if len(data) > MAX_BYTES:
        raise TooLargeError
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise InvalidMessageError("This is not JSON. Send one JSON object, in UTF-8.") from None
    if not isinstance(content, dict):
        raise InvalidMessageError("Send one JSON object.")
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise InvalidMessageError(_describe_error(error), _ref(content)) from None


def _ref(content: dict[str, Any]) -> int | None:
    ref = content.get("ref")
    return ref if type(ref) is int and 0 <= ref < 2**53 else None


def _describe_error(error: ValidationError) -> str:
    """One sentence about the first fault, made of our own words and field names only."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"].startswith("union_tag"):
        return "The field “type” is missing or names no message of this protocol."
    known = {name for model in _MODELS for name in model.model_fields}
    field = next((part for part in reversed(first["loc"]) if part in known | _SINCE), None)
    if field is None:
        return MalformedError.detail
    return f"The field “{field}” is missing, of the wrong kind, or outside its limits."


_MODELS: tuple[type[_Message], ...] = (
    Subscribe, React, Comment, Edit, Delete, Report, Forget, Unsubscribe, Visibility,
)  # fmt: skip
_SINCE = set(Since.model_fields)
