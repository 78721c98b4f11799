"""The form of `/s/CODE/write`: what was typed, what the composer is for, and what is to be said."""

import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from widget_server.model.decisions import REASONS
from widget_server.model.errors import ProblemError, RateLimitedError
from widget_server.model.identifiers import COMMENT_ID
from widget_server.protocol.codes import status_of
from widget_server.web.pages.translate import Translator

MODES = ("reply", "edit", "delete", "report")
"""What the composer can be for, beside a new comment. Each is about a comment."""
OBJECT = "object"
"""The mode in which a known reader objects: to a decision about a comment, or without one to the ban."""
HINT = "hint"
"""The mode in which an error in the story is reported to the editors."""
FORGET = "forget"
"""The mode that asks whether everything is to be deleted."""
HINT_FIELDS = ("text", "passage", "credit")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(slots=True)
class Form:
    """What the page's form holds, and what is to be said about the last step."""

    first: str
    """The secret that a new reader is made from, sent with every step."""
    key: str
    """The idempotency key of the comment that is being written."""
    reader: str = ""
    body: str = ""
    name: str = ""
    email: str = ""
    website: str = ""
    reason: str = ""
    category: str = ""
    """Of a report: a key of `REASONS`, or empty."""
    text: str = ""
    """What is wrong with the story, in a report to the editors."""
    passage: str = ""
    """The words of the story that the report quotes."""
    credit: str = ""
    """The name under which the reader wants to be thanked."""
    draft: str = ""
    """The comment that was being written when an edit began."""
    mode: str = ""
    """What the composer is for: one of `MODES`, `OBJECT`, `HINT`, `FORGET`, or empty for a new comment."""
    target: str = ""
    """The comment that the mode is about."""
    target_name: str = ""
    notice: str = ""
    link: str = ""
    """The comment that the notice is about."""
    preview: Any = None
    errors: dict[str, str] = field(default_factory=dict)
    """By field; by comment id for a reaction to a comment; "" for the whole page."""
    status: int = 200
    retry_after: float | None = None

    @classmethod
    def new(cls) -> "Form":
        """Return an empty form."""
        return cls(str(uuid.uuid4()), str(uuid.uuid4()))

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Form":
        """Return the form as it was sent. What is damaged is made anew."""
        form = cls.new()
        for name in ("first", "key"):
            if _UUID.fullmatch(fields.get(name, "")):
                setattr(form, name, fields[name])
        for name in ("reader", "body", "name", "email", "website", "reason", "draft", *HINT_FIELDS):
            setattr(form, name, fields.get(name, ""))
        form.category = fields.get("category", "") if fields.get("category") in REASONS else ""
        mode, _, target = fields.get("mode", "").partition(":")
        form.enter(mode, target)
        return form

    def enter(self, mode: str, target: str) -> None:
        """Make the composer one for a comment. Anything unknown makes it one for a new comment."""
        if mode == FORGET:
            self.mode, self.target = (FORGET if self.reader else ""), ""
            return
        if mode == HINT:
            self.mode, self.target = HINT, ""
            return
        if mode == OBJECT and not target and self.reader:
            self.mode, self.target = OBJECT, ""
            return
        known = mode in (*MODES, OBJECT) and COMMENT_ID.fullmatch(target) is not None
        self.mode, self.target = (mode, target) if known else ("", "")

    def leave(self) -> None:
        """Make the composer one for a new comment again, with what was written before an edit."""
        if self.mode == "edit":
            self.body, self.draft = self.draft, ""
        self.mode = self.target = self.reason = self.category = ""
        self.text = self.passage = self.credit = ""

    def forget(self) -> None:
        """Become the form of a reader who is not known. What is not posted yet stays."""
        self.leave()
        self.first, self.key = str(uuid.uuid4()), str(uuid.uuid4())
        self.reader = self.name = self.email = self.website = ""

    def fail(self, error: ProblemError, place: str, t: Translator) -> None:
        """Say an error at the field that it is about."""
        self.status, self.retry_after = status_of(error), error.retry_after
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            said = t("too_fast", n=max(1, math.ceil(error.retry_after)))
        else:
            said = t("!" + error.code, error.detail)
        self.errors[error.field or place] = said

    def hidden_fields(self) -> dict[str, str]:
        """Return the hidden fields. What has no visible field in this mode is kept in a hidden one."""
        mode = f"{self.mode}:{self.target}" if self.mode else ""
        hidden = {"first": self.first, "key": self.key, "reader": self.reader, "mode": mode}
        hidden["draft"] = self.draft
        if self.mode in {"report", "delete", OBJECT, HINT, FORGET}:
            hidden["body"] = self.body
        if self.mode in {"edit", "report", "delete", OBJECT, HINT, FORGET}:
            hidden |= {"name": self.name, "email": self.email, "website": self.website}
        return {name: value for name, value in hidden.items() if value}
