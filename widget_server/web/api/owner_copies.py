"""Copies of a site's stories and shut-out origins, for programs."""

from starlette.responses import Response

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.page_check import PageCheck
from widget_server.operations.moderation import local_copies
from widget_server.operations.owners import atlas, copies, sites
from widget_server.operations.publishing import check_page as checker
from widget_server.operations.publishing.page_facts import request_look_on
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_log import file_response
from widget_server.web.api.owner_records import copy_answer


async def list_copies(call: Call) -> Answer | Response:
    """Handle `GET …/copies`."""
    query: requests.CopiesQuery = call.query
    since = query.first_seen_since
    wanted = copies.CopyFilter(
        words=query.q,
        story=query.story,
        lang=query.lang,
        status=query.status,
        first_seen_since=None if since is None else int(since.timestamp() * 1000),
    )
    services, by, site = call.services, call.actor, call.site
    if query.format == "csv":
        call.require("export_public")
        return file_response(
            copies.export_copies(services, by, site, wanted), "text/csv", "copies.csv"
        )
    page = await copies.list_copies(
        services, by, site, wanted, order=query.order, limit=query.limit, after=query.after
    )
    seen = await atlas.seen_pages(services, by, site, page)
    rows = [copy_answer(one, seen.get(one.record.id)) for one in page.copies]
    return Answer(answers.CopyList(copies=rows, total=page.total, next=page.next))


async def revoke_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:revoke`."""
    body: requests.RevokeCopy = call.body
    arguments = call.services, call.actor, call.site, int(call.path["copy"])
    if body.dry_run:
        done = await copies.preview_revocation(*arguments, shut_out=body.shut_out)
    else:
        done = await copies.revoke_copy(*arguments, shut_out=body.shut_out, reason=body.reason)
    return Answer(
        answers.RevocationAnswer(
            dry_run=body.dry_run,
            copied=copy_answer(done.copy),
            token=done.token,
            also=[copy_answer(one) for one in done.also],
            shut_out=done.shut_out,
            origin=done.origin,
            before=done.before,
        )
    )


async def readmit_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:readmit`."""
    changed = await copies.give_back_copy(
        call.services, call.actor, call.site, int(call.path["copy"])
    )
    return Answer(answers.Readmitted(changed=changed))


async def agree_with_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:agree`."""
    body: requests.AgreeWithCopy = call.body
    changed = await copies.agree_with_name(
        call.services, call.actor, call.site, int(call.path["copy"]), agreed=body.agreed
    )
    return Answer(answers.Readmitted(changed=changed))


async def hide_on_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:hide`."""
    body: requests.HideOnCopy = call.body
    copy = int(call.path["copy"])
    changed = await local_copies.hide(
        call.services, call.actor, call.site, copy, body.comment, reason=body.reason
    )
    return Answer(answers.Readmitted(changed=changed))


async def show_on_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:show`."""
    body: requests.ShowOnCopy = call.body
    copy = int(call.path["copy"])
    changed = await local_copies.show_again(
        call.services, call.actor, call.site, copy, body.comment
    )
    return Answer(answers.Readmitted(changed=changed))


async def let_copy_wait(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:wait`."""
    body: requests.LetCopyWait = call.body
    copy = int(call.path["copy"])
    changed = await local_copies.let_wait(call.services, call.actor, call.site, copy, on=body.on)
    return Answer(answers.Readmitted(changed=changed))


async def list_hidden(call: Call) -> Answer:
    """Handle `GET …/hidden`."""
    query: requests.HiddenQuery = call.query
    after = place_after(query.after, "hidden")
    found = await local_copies.list_hidden(
        call.services,
        call.actor,
        call.site,
        copy=query.copy_id,
        story=query.story,
        after=after,
        limit=query.limit,
    )
    rows = [
        answers.HiddenAnswer(
            copy_id=one.copy,
            origin=one.origin,
            label=one.label,
            story=one.story,
            comment=one.comment,
            at=rfc3339(one.at),
            by_site=one.by_site,
        )
        for one in found.hidden
    ]
    cursor = None if found.next is None else encode_cursor("hidden", *found.next)
    return Answer(answers.HiddenList(hidden=rows, next=cursor))


async def look_at_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:look`."""
    await request_look_on(call.services, call.actor, call.site, int(call.path["copy"]))
    return Answer(answers.Readmitted(changed=True))


async def check_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:check`."""
    return _checked(
        await checker.check_copy(call.services, call.actor, call.site, int(call.path["copy"]))
    )


async def check_page(call: Call) -> Answer:
    """Handle `POST …/stories/{code}:check`."""
    body: requests.CheckPage = call.body
    return _checked(
        await checker.check_address(
            call.services, call.actor, call.site, call.path["code"], body.page
        )
    )


def _checked(found: PageCheck) -> Answer:
    rows = [
        answers.FindingAnswer(
            code=one.code,
            state=one.state,
            line=one.line,
            missing=list(one.missing),
            outdated=list(one.outdated),
            version=one.version,
            version_at=None if one.version_at is None else rfc3339(one.version_at),
        )
        for one in found.findings
    ]
    return Answer(
        answers.PageCheckAnswer(
            story=found.story, page=found.page, faults=len(found.faults), findings=rows
        )
    )


async def list_shut_out(call: Call) -> Answer:
    """Handle `GET …/shut_out`."""
    found = await sites.all_shut_out(call.services, call.site)
    rows = [answers.ShutOutAnswer(origin=origin, story=story) for origin, story in found]
    return Answer(answers.ShutOutList(shut_out=rows))


async def shut_out(call: Call) -> Answer:
    """Handle `POST …/shut_out`."""
    body: requests.ShutOut = call.body
    origin = await sites.shut_out(
        call.services, call.actor, call.site, body.origin, body.story or None
    )
    return Answer(answers.ShutOutAnswer(origin=origin, story=body.story or None))


async def readmit(call: Call) -> Answer:
    """Handle `POST …/shut_out:readmit`."""
    body: requests.ShutOut = call.body
    changed = await sites.readmit(
        call.services, call.actor, call.site, body.origin, body.story or None
    )
    return Answer(answers.Readmitted(changed=changed))
