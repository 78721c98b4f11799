"""What programs send to the owner API about rules."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from widget_server.model.rules import MAX_EXCEPTIONS, MAX_GUIDELINE, MAX_RULE_NAME
from widget_server.protocol.owner_requests import (
    NO_CONTROLS,
    Code,
    CommentId,
    CopyId,
    Word,
    _Request,
)

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_RULE_NAME, pattern=NO_CONTROLS)
]
MAX_LIST_CHARACTERS = 1_000_000
Kind = Literal["words", "links", "first", "repeat", "length"]
Action = Literal["hold", "block"]
Mode = Literal["off", "shadow", "on"]
Words = Annotated[
    list[Annotated[str, StringConstraints(max_length=100, pattern=NO_CONTROLS)]],
    Field(max_length=20_000, description="Words and phrases; `word*` also finds longer words."),
]
Exceptions = Annotated[
    list[Annotated[str, StringConstraints(max_length=100, pattern=NO_CONTROLS)]],
    Field(max_length=MAX_EXCEPTIONS, description="Wordings in which the words are allowed."),
]
WordsAsText = Annotated[str, StringConstraints(max_length=MAX_LIST_CHARACTERS)]
LIST_HELP = (
    "A list to add to the words: one entry a line, or CSV whose first line names the columns `word` and, if"
    " wanted, `language`. Entries in other languages than those of the rule are left out."
)
Guideline = Annotated[str, StringConstraints(max_length=MAX_GUIDELINE)]
Number = Annotated[int, Field(ge=0, le=100_000)]
Languages = Annotated[list[Word], Field(max_length=50)]


class NewRule(_Request):
    """A rule about comments. It starts in shadow: it counts and holds nothing."""

    name: Name
    kind: Kind
    action: Action = Field("hold", description="`block`: the comment is refused.")
    story: Code | None = Field(None, description="Only in this story.")
    copy_id: CopyId | None = Field(None, description="Only on this copy of the story.")
    languages: Languages = Field([], description="Only in these languages; empty: in all.")
    words: Words = Field([])
    word_list: WordsAsText | None = Field(None, description=LIST_HELP)
    exceptions: Exceptions = Field([])
    leet: bool = Field(False, description="Read digits and signs as letters too: c4s1no.")
    limit: Number = Field(
        0,
        description="`links`: most links allowed; the website beside a name is one. `first`: comments that"
        " must have been accepted in the last year, and since one of the writer was removed."
        " `repeat`: like comments allowed in ten minutes. `length`: most characters.",
    )
    least: Number = Field(0, description="`length`: fewest characters.")
    guideline: Guideline | None = Field(None, description="Shown to the writer.")
    ask: bool = Field(False, description="Ask the writer to think again before it is held.")


class TryRule(NewRule):
    """A rule to try on the last comments. Nothing is stored."""

    last: int = Field(10_000, ge=1, le=10_000, description="Comments to try it on.")


class ChangeRule(_Request):
    """What to change of a rule. A field that is missing stays as it is."""

    name: Name | None = None
    action: Action | None = None
    languages: Languages | None = None
    words: Words | None = Field(None, description="The whole list.")
    add_words: Words | None = Field(None, description="Entries to add to the list.")
    word_list: WordsAsText | None = Field(None, description=LIST_HELP)
    exceptions: Exceptions | None = Field(None, description="All exceptions.")
    except_comment: CommentId | None = Field(
        None,
        description="Add the wording in which the rule found its words in this comment to the exceptions.",
    )
    leet: bool | None = None
    limit: Number | None = None
    least: Number | None = None
    guideline: Guideline | None = None
    ask: bool | None = None
    mode: Mode | None = Field(
        None,
        description="`on`: it is tried on the last comments first. Without it, a rule that holds more, or"
        " something else, is in shadow again.",
    )


class ChangeLearner(_Request):
    """What to change of the learned filter. A field that is missing stays as it is."""

    mode: Mode | None = Field(None, description="`shadow`: it learns and holds nothing.")
    rate: int | None = Field(
        None, ge=10, le=100, description="Good comments that may be held, in 10,000: 10, 20 … 100."
    )


class SwitchRaid(_Request):
    """Ask new readers for a proof of work from now on, on the whole site or in one story."""

    story: Code | None = Field(None, description="Only in this story.")
    hours: int = Field(6, ge=1, le=72, description="It ends by itself after so many hours.")
