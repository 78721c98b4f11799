"""People and keys of a site: members, invitations, roles, API keys."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from widget_server.auth.permissions import permits
from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.model.people import Member
from widget_server.operations.owners import copies, keys, links, people
from widget_server.operations.owners.links import INVITED_ROLES
from widget_server.operations.owners.take_back import find_change
from widget_server.web.dashboard.addresses import host_of, path_of
from widget_server.web.dashboard.page import Page, site_page

ROLE_MATRIX = (
    ("see", ("read_log", "read_numbers")),
    ("decide", ("approve", "remove", "undo")),
    ("hold", ("hold",)),
    ("close", ("close", "open")),
    ("notices", ("notice", "correct", "story_settings")),
    ("settings", ("settings",)),
    ("tokens", ("token", "revoke", "shut_out")),
    ("export", ("export_public",)),
    ("private", ("read_kept_text", "read_notes")),
    ("erase", ("erase",)),
    ("people", ("invite", "role", "export_full", "rotate", "retire")),
)
"""Lines of the table on the page, each with the verbs it stands for."""
MATRIX_ROLES = (*INVITED_ROLES, "machine")
DAYS = (30, 90, 365, 0)
MOST_OFFERED = 100
"""Copies that a form shows as boxes."""


@dataclass(frozen=True, slots=True)
class OfferedCopy:
    """A copy as people know it. `where` is host and path."""

    id: int
    name: str
    where: str
    story: str


@dataclass(frozen=True, slots=True)
class CopyChoice:
    """The copies that a form offers. With `typed` there are too many, and their numbers are typed."""

    offered: list[OfferedCopy]
    chosen: frozenset[int]
    typed: bool

    @property
    def text(self) -> str:
        """The chosen numbers as a person types them."""
        return _text_of(self.chosen)


def mark(role: Any, verbs: tuple[str, ...]) -> str:
    """Return `yes`, `part` or `no`: whether the role may use these verbs."""
    have = [verb for verb in verbs if permits(role, verb)]
    if not have:
        return "no"
    if role in {"local", "machine"} or len(have) < len(verbs):
        return "part"
    return "yes"


@site_page("read_people")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/people`."""
    return await _people(page)


@site_page("invite")
async def show_invite(page: Page) -> Response:
    """Handle `GET …/people/invite`."""
    return await _invite(page, {"role": "moderator"})


@site_page("invite")
async def invite(page: Page) -> Response:
    """Handle `POST …/people/invite`: the link is shown once."""
    form = page.form
    role: Any = form.get("role")
    try:
        limited = _copies(form.all("copies")) if role == "local" else None
        link = await links.invite(
            page.services, page.actor, page.site, role, email=form.get("email"), copies=limited
        )
    except ProblemError as error:
        page.fail(error)
        return await _invite(page, dict(form.fields))
    return await _people(page, link=link)


@site_page("invite")
async def take_back(page: Page) -> Response:
    """Handle `POST …/people/take-back`."""
    await links.take_back(page.services, page.actor, page.site, page.form.get("link"))
    return page.redirect(page.path("people"), "taken_back")


@site_page("role")
async def show_role(page: Page) -> Response:
    """Handle `GET …/people/{account}/role`: change a role, or take it away."""
    return await _role(page)


@site_page("role")
async def change_role(page: Page) -> Response:
    """Handle `POST …/people/{account}/role`."""
    role: Any = page.form.get("role")
    try:
        limited = _copies(page.form.all("copies")) if role == "local" else None
        account = page.request.path_params["account"]
        made = await people.change_role(
            page.services, page.actor, page.site, account, role, limited
        )
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _role(page)
    return page.redirect(page.path(f"people?undo={made}"))


@site_page("role")
async def remove(page: Page) -> Response:
    """Handle `POST …/people/{account}/remove`."""
    account = page.request.path_params["account"]
    await people.remove_member(page.services, page.actor, page.site, account)
    return page.redirect(page.path("people"), "member_removed")


@site_page("key")
async def show_new_key(page: Page) -> Response:
    """Handle `GET …/keys/new`."""
    return _new_key(page)


@site_page("key")
async def create_key(page: Page) -> Response:
    """Handle `POST …/keys`: the key is shown once."""
    form = page.form
    try:
        days = form.get("days", "365")
        new = await keys.create_key(
            page.services,
            page.actor,
            page.site,
            form.get("label"),
            frozenset(form.all("scope")),
            int(days[:9]) or None if days.isdecimal() else 365,
        )
    except ProblemError as error:
        page.fail(error)
        return _new_key(page)
    return await _people(page, new_key=new)


@site_page("key")
async def end_key(page: Page) -> Response:
    """Handle `POST …/keys/{key}/end`."""
    await keys.end_key(page.services, page.actor, page.site, page.request.path_params["key"])
    return page.redirect(page.path("people"), "key_ended")


def _text_of(copies: frozenset[int] | None) -> str:
    return ", ".join(map(str, sorted(copies or ())))


def _copies(texts: list[str]) -> frozenset[int] | None:
    """Return the numbers in texts such as “3, 14”, or of ticked boxes. Other words are left out."""
    words = " ".join(texts).replace(",", " ").split()
    return frozenset(int(one) for one in words if one.isdecimal() and len(one) < 16) or None


def _new_key(page: Page) -> Response:
    return page.render(
        "people/key.html",
        scopes=keys.offered_scopes(page.actor),
        days=DAYS,
        chosen=page.form.all("scope"),
        values=dict(page.form.fields),
    )


async def _role(page: Page) -> Response:
    member = await _member(page)
    choice = await _choice(page, member.copies or frozenset())
    return page.render("people/role.html", member=member, roles=INVITED_ROLES, choice=choice)


async def _member(page: Page) -> Member:
    """Return the member in the path. Raises `NotFoundError`."""
    found = await people.list_people(page.services, page.actor, page.site)
    account = page.request.path_params["account"]
    member = next((one for one in found.members if one.account.id == account), None)
    if member is None:
        raise NotFoundError
    return member


async def _invite(page: Page, values: dict[str, str]) -> Response:
    choice = await _choice(page, frozenset())
    return page.render("people/invite.html", roles=INVITED_ROLES, values=values, choice=choice)


async def _choice(page: Page, now: frozenset[int]) -> CopyChoice:
    """Return the copies to which a local moderator can be limited; those of the form are ticked."""
    chosen = _copies(page.form.all("copies")) or now
    found = await copies.list_copies(page.services, page.actor, page.site, limit=MOST_OFFERED)
    offered = [one.record for one in found.copies]
    return CopyChoice(
        [
            OfferedCopy(
                one.id,
                one.label or host_of(one.page, one.origin),
                host_of(one.page, one.origin) + path_of(one.page),
                one.story_title or one.story_key,
            )
            for one in offered
        ],
        chosen,
        typed=found.total > len(offered),
    )


async def _undo(page: Page) -> str:
    """Return the id of the person's own change of a role that the address names, or an empty text.

    The address names nothing else: a link that another person made must not offer a role as an undo.
    """
    decision = page.request.query_params.get("undo", "")
    if not decision or not page.may("role"):
        return ""
    try:
        entry = await find_change(page.services, page.actor, page.site, decision)
    except NotFoundError:
        return ""
    is_own = (entry.verb, entry.actor) == ("role", page.person.account.id)
    return entry.id if is_own else ""


async def _people(page: Page, **content: Any) -> Response:
    found = await people.list_people(page.services, page.actor, page.site)
    matrix = [(key, [mark(role, verbs) for role in MATRIX_ROLES]) for key, verbs in ROLE_MATRIX]
    shown: dict[str, Any] = {"link": None, "new_key": None} | content
    return page.render(
        "people/people.html",
        people=found,
        matrix=matrix,
        matrix_roles=MATRIX_ROLES,
        undo=await _undo(page),
        ending=page.request.query_params.get("end", ""),
        **shown,
    )
