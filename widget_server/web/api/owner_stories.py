"""Stories, for programs: list, show, change, close and open."""

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.decisions import StoryVerb
from widget_server.operations.moderation import decide
from widget_server.operations.owners import settings as site_settings, stories
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import copy_answer, story_fields, translation_answers
from widget_server.web.api.owner_site import change, shown


async def list_stories(call: Call) -> Answer:
    """Handle `GET …/stories`."""
    query: requests.StoriesQuery = call.query
    wanted = stories.StoryFilter(query.q, query.closed, query.author, query.lang)
    page = await stories.list_stories(
        call.services,
        call.actor,
        call.site,
        wanted,
        order=query.order,
        limit=query.limit,
        after=query.after,
    )
    rows = [answers.StoryAnswer(**story_fields(one.record, one.readers)) for one in page.stories]
    return Answer(answers.StoryList(stories=rows, total=page.total, next=page.next))


async def show_story(call: Call) -> Answer:
    """Handle `GET …/stories/{code}`. The ETag names the state of the story's settings."""
    return _answer(await _details(call))


async def change_story(call: Call) -> Answer:
    """Handle `PATCH …/stories/{code}`: nothing is changed if the key may not change one of the parts."""
    body: requests.ChangeStory = call.body
    sent, code, by = body.model_fields_set, call.path["code"], call.actor
    changes = dict(body.settings or {})
    _require_all(by, call.site, sent)
    # Also for a story of another site, before anything is changed.
    await stories.show_story(call.services, by, call.site, code, copies=0)
    settings = None
    if "settings" in sent:
        if body.settings is None:
            state = await site_settings.read_settings(call.services, by, call.site, code)
            changes = dict.fromkeys(key for key in state.stored if not key.endswith("_trees"))
        settings = await change(call, changes, code, dry_run=body.dry_run)
    if not body.dry_run:
        words = {"reason": body.reason, "note": body.note}
        if "notice" in sent:
            await decide.decide_story(
                call.services, by, "notice", code, notice=body.notice or None, **words
            )
        if "closes_at" in sent:
            at = None if body.closes_at is None else int(body.closes_at.timestamp() * 1000)
            await decide.set_closing_date(call.services, by, code, at, **words)
    details = await _details(call)
    content = answers.StoryChanged(dry_run=body.dry_run, story=details, settings=settings)
    return Answer(content, _answer(details).headers)


def _require_all(by: Actor, site: str, sent: set[str]) -> None:
    """Raise `NotPermittedError` unless the key may change all parts that were sent."""
    needed = {"notice": "notice", "closes_at": "close", "settings": "story_settings"}
    for part, verb in needed.items():
        if part in sent:
            permissions.require(by, verb, site)


async def close_story(call: Call) -> Answer:
    """Handle `POST …/stories/{code}:close`."""
    return await _decide(call, "close")


async def open_story(call: Call) -> Answer:
    """Handle `POST …/stories/{code}:open`."""
    return await _decide(call, "open")


async def _decide(call: Call, verb: StoryVerb) -> Answer:
    body: requests.StoryDecision = call.body
    code = call.path["code"]
    await stories.show_story(call.services, call.actor, call.site, code, copies=0)
    await decide.decide_story(
        call.services, call.actor, verb, code, reason=body.reason, note=body.note
    )
    return _answer(await _details(call))


async def _details(call: Call) -> answers.StoryDetails:
    code = call.path["code"]
    story = await stories.show_story(call.services, call.actor, call.site, code)
    state = None
    if call.has("read_settings"):
        state = await site_settings.read_settings(call.services, call.actor, call.site, code)
    return answers.StoryDetails(
        **story_fields(story.record, story.readers),
        settings=None if state is None else shown(state.stored),
        version=None if state is None else state.version,
        translations=translation_answers(story.record.story),
        first_copies=[copy_answer(one) for one in story.copies] if call.has("read_copies") else [],
    )


def _answer(details: answers.StoryDetails) -> Answer:
    return Answer(details, {} if details.version is None else {"ETag": f'"{details.version}"'})
