"""Answers of the owner API about what readers report as errors in stories."""

from typing import Literal

from pydantic import Field

from widget_server.protocol.owner_answers import Answer, PageOf


class HintAnswer(Answer):
    """An error report of a reader: a case of the queue `corrections`, which has no comment."""

    id: str
    queue: Literal["corrections"]
    comment: None
    story: str = Field(description="The story's code.")
    title: str | None
    url: str | None
    opened_at: str
    text: str
    passage: str | None = Field(description="The words of the story that it is about.")
    credit: str | None = Field(description="Name under which the reader wants to be thanked.")
    given: int = Field(description="Earlier reports of the same reader on the site.")
    followed: int = Field(description="Those of them that a correction followed.")


class HintList(PageOf):
    """Open error reports, the oldest first."""

    hints: list[HintAnswer]


class HintDeclined(Answer):
    """An error report that was answered without a correction. Undoing the decision opens it again."""

    hint: str
    decision: str
