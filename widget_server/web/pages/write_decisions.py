"""What the page with forms tells its reader of decisions and of a ban, and what the reader can object to."""

from dataclasses import dataclass

from widget_server.model.bans import Ban
from widget_server.model.claims import ReaderClaims
from widget_server.model.corrections import shown
from widget_server.model.errors import BannedError
from widget_server.model.hints import Hint
from widget_server.model.outcomes import Outcome, OutcomeState, ReportState
from widget_server.operations.readers import appeal, authorize, bans, identify, read
from widget_server.operations.services import Services
from widget_server.protocol.serializers import rfc3339
from widget_server.web.pages import discussion
from widget_server.web.pages.translate import Translator
from widget_server.web.pages.write_form import OBJECT

SHOWN_LINES = 20
_ISOLATE, _END = "\u2068", "\u2069"
_TEXTS: dict[OutcomeState, str] = {
    "removed": "own_removed",
    "held": "own_held",
    "edit_rejected": "own_edit",
    "restored": "own_restored",
}
_REPORTS: dict[ReportState, str] = {"kept": "reported_kept", "removed": "reported_removed"}


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A line about a decision."""

    text: str
    step: str = ""
    """Value of the button that opens the form of an objection; empty if there is nothing to object to."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a reader is told. `banned`: whether nothing can be written now."""

    lines: tuple[DecisionLine, ...] = ()
    banned: bool = False
    thanked: frozenset[str] = frozenset()
    """Ids of the corrections that this reader's reports led to."""


NOTHING_DECIDED = Decisions()


async def decisions_of(
    services: Services, code: str, t: Translator, reader: ReaderClaims, network: str
) -> Decisions:
    """Return what the reader is told in a story, the ban first. Raises `NotFoundError`, `NotPermittedError`."""
    grant = await authorize.authorize(
        services, token=None, code=code, origin=services.server_origin, lang=t.reads
    )
    id_ = identify.reader_id(reader)
    grant = await bans.with_ban(services, grant, id_, network, reader)
    lines: list[DecisionLine] = []
    ban = await appeal.own_ban(services, grant)
    if ban is not None:
        said = [_end_of(services, t, ban.ban), _why(t, ban.ban.reason, by_person=ban.ban.by_person)]
        lines.append(_line(t, said, ban.appeal, OBJECT if ban.may_appeal else ""))
    own = await read.own(services, grant.story, id_)
    for comment in (*own.removed, *own.comments):
        if outcome := own.outcomes.get(comment.id):
            when = _date(services, t, comment.created_at)
            lines.append(_outcome(t, outcome, when, comment.id))
    lines += [DecisionLine(t(_REPORTS[one.state])) for one in own.reports if one.state in _REPORTS]
    # Not the grant's, which may be some seconds old.
    story, _ = await discussion.find(services, code)
    stands = {one.id for one in shown(story.corrections) if one.withdrawn_at is None}
    thanked = frozenset(stands & {one.correction for one in own.hints if one.state == "accepted"})
    lines += [_hint(services, t, one) for one in own.hints if one.correction not in thanked]
    banned = grant.ban is not None and grant.ban.mode == "read"
    return Decisions(tuple(lines[:SHOWN_LINES]), banned, thanked)


def _hint(services: Services, t: Translator, hint: Hint) -> DecisionLine:
    """Return what became of a report of an error in the story."""
    said = t(f"hint_{hint.state}", time=_date(services, t, hint.at))
    if hint.answer is None:
        return DecisionLine(said)
    # The answer may have another direction than the page.
    return DecisionLine(f"{said} {t('hint_answer', text=f'{_ISOLATE}{hint.answer}{_END}')}")


def _outcome(t: Translator, outcome: Outcome, when: str, comment: str) -> DecisionLine:
    said = [t(_TEXTS[outcome.state], time=when)]
    if outcome.state != "restored":
        said.append(_why(t, outcome.reason, by_person=outcome.by == "person"))
    step = f"{OBJECT}:{comment}" if outcome.may_appeal else ""
    return _line(t, said, outcome.appeal, step)


def _line(t: Translator, said: list[str], state: str | None, step: str) -> DecisionLine:
    if state in {"waiting", "upheld"}:
        said = [*said, t("objected" if state == "waiting" else "upheld")]
    return DecisionLine(" ".join(said), step)


def _end_of(services: Services, t: Translator, ban: Ban) -> str:
    approval = ban.mode == "approval"
    what = t("banned_approval") if approval else t("!banned", default=BannedError.detail)
    if ban.until is None:
        return f"{what} {t('banned_good')}"
    end = t("banned_ends" if approval else "banned_until", time=_date(services, t, ban.until))
    return f"{what} {end}"


def _why(t: Translator, reason: str | None, *, by_person: bool) -> str:
    said = t("by_person" if by_person else "by_rule")
    if reason is None or not t.knows(f"because_{reason}"):
        return said
    return f"{said} {t('because', reason=t(f'because_{reason}'))}"


def _date(services: Services, t: Translator, at: int) -> str:
    return t.date(rfc3339(at), rfc3339(services.now_ms()))
