"""The text of a story, for programs: show, store, take back."""

from dataclasses import asdict

from widget_server.content.story_text import text_html
from widget_server.model.errors import NotFoundError
from widget_server.operations.owners import story_text
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call


async def show_story_text(call: Call) -> Answer:
    """Handle `GET …/stories/{code}/text`."""
    found = await story_text.show(call.services, call.actor, call.site, call.path["code"])
    if found is None:
        raise NotFoundError("The story has no text.")
    return _answer(found)


async def put_story_text(call: Call) -> Answer:
    """Handle `PUT …/stories/{code}/text`."""
    body: requests.PutStoryText = call.body
    images = [
        story_text.Image(one.url, one.alt, one.credit, one.licence, one.included)
        for one in body.images
    ]
    typed = story_text.TypedText(body.text, body.format, body.title, images)
    stored = await story_text.put(call.services, call.actor, call.site, call.path["code"], typed)
    return _answer(stored)


async def remove_story_text(call: Call) -> Answer:
    """Handle `DELETE …/stories/{code}/text`."""
    changed = await story_text.remove(call.services, call.actor, call.site, call.path["code"])
    return Answer(answers.Readmitted(changed=changed))


def _answer(found: story_text.StoryText) -> Answer:
    images = story_text.images_of(found.images)
    return Answer(
        answers.StoryTextAnswer(
            version=found.version,
            title=found.title,
            format=found.format,
            text=found.source,
            html=text_html(found.tree),
            images=[answers.StoryImageAnswer(**asdict(one)) for one in images],
            created_at=rfc3339(found.created_at),
        )
    )
