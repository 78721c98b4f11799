"""Copies of a site's stories and shut-out origins, for programs."""

from starlette.responses import Response

from widget_server.operations.owners import atlas, copies, sites
from widget_server.operations.publishing.page_facts import request_look_on
from widget_server.protocol import owner_answers as answers, owner_requests as requests
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


async def look_at_copy(call: Call) -> Answer:
    """Handle `POST …/copies/{copy}:look`."""
    await request_look_on(call.services, call.actor, call.site, int(call.path["copy"]))
    return Answer(answers.Readmitted(changed=True))


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
