"""People, invitations and API keys of a site, for programs. E-mail addresses are never sent."""

from typing import Any

from widget_server.model.errors import NotFoundError
from widget_server.model.people import ApiKey, Invitation, Member
from widget_server.operations.owners import keys, links, people
from widget_server.protocol import (
    owner_answers as answers,
    owner_answers_access as access_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import time_of


async def list_members(call: Call) -> Answer:
    """Handle `GET …/members`."""
    found = await people.list_people(call.services, call.actor, call.site)
    return Answer(access_answers.MemberList(members=[_member(one) for one in found.members]))


async def change_member(call: Call) -> Answer:
    """Handle `PATCH …/members/{account}`."""
    body: requests.ChangeMember = call.body
    role: Any = body.role
    account = call.path["account"]
    call.require("read_people")
    await people.change_role(
        call.services, call.actor, call.site, account, role, _copies(body.copies)
    )
    found = await people.list_people(call.services, call.actor, call.site)
    for one in found.members:
        if one.account.id == account:
            return Answer(_member(one))
    raise NotFoundError("This person has no role here.")


async def remove_member(call: Call) -> Answer:
    """Handle `DELETE …/members/{account}`: their API keys end as well."""
    call.require("read_people")
    await people.remove_member(call.services, call.actor, call.site, call.path["account"])
    return await list_members(call)


async def list_invitations(call: Call) -> Answer:
    """Handle `GET …/invitations`."""
    found = await people.list_people(call.services, call.actor, call.site)
    return Answer(
        access_answers.InvitationList(invitations=[_invitation(one) for one in found.invitations])
    )


async def invite(call: Call) -> Answer:
    """Handle `POST …/invitations`: the link is in this answer only."""
    body: requests.Invite = call.body
    role: Any = body.role
    copies = _copies(body.copies)
    link = await links.invite(
        call.services, call.actor, call.site, role, email=body.email, copies=copies
    )
    content = access_answers.InvitationAnswer(
        id=link.id,
        role=body.role,
        copies=sorted(copies) if copies else None,
        until=rfc3339(link.until),
        url=link.url or None,
    )
    return Answer(content, once={"url": None})


async def take_back_invitation(call: Call) -> Answer:
    """Handle `DELETE …/invitations/{invitation}`."""
    await links.take_back(call.services, call.actor, call.site, call.path["invitation"])
    return Answer(answers.Readmitted(changed=True))


async def list_keys(call: Call) -> Answer:
    """Handle `GET …/keys`."""
    found = await people.list_people(call.services, call.actor, call.site)
    return Answer(access_answers.KeyList(keys=[_key(one, None) for one in found.keys]))


async def create_key(call: Call) -> Answer:
    """Handle `POST …/keys`: the key is in this answer only."""
    body: requests.NewKey = call.body
    new = await keys.create_key(
        call.services, call.actor, call.site, body.label, frozenset(body.scopes), body.days
    )
    return Answer(_key(new.key, new.secret or None), once={"key": None})


async def end_key(call: Call) -> Answer:
    """Handle `DELETE …/keys/{key}`."""
    await keys.end_key(call.services, call.actor, call.site, call.path["key"])
    return Answer(answers.Readmitted(changed=True))


def _copies(ids: list[int] | None) -> frozenset[int] | None:
    return frozenset(ids) if ids else None


def _member(one: Member) -> access_answers.MemberAnswer:
    return access_answers.MemberAnswer(
        account=one.account.id,
        name=one.account.name,
        role=one.role,
        copies=sorted(one.copies) if one.copies else None,
    )


def _invitation(one: Invitation) -> access_answers.InvitationAnswer:
    return access_answers.InvitationAnswer(
        id=one.hash,
        role=one.role,
        copies=sorted(one.copies) if one.copies else None,
        until=rfc3339(one.until),
        url=None,
    )


def _key(one: ApiKey, secret: str | None) -> access_answers.KeyAnswer:
    return access_answers.KeyAnswer(
        id=one.id,
        label=one.label,
        scopes=sorted(one.scopes),
        by=one.by,
        created_at=rfc3339(one.created_at),
        last_used_at=time_of(one.last_at),
        until=time_of(one.until),
        key=secret,
    )
