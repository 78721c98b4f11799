"""Linked translations of a story, for programs: list, link, unlink."""

from widget_server.model.records import Story
from widget_server.operations.owners import translations
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import translation_answers


async def list_translations(call: Call) -> Answer:
    """Handle `GET …/stories/{code}/translations`."""
    return _answer(await translations.show(call.services, call.actor, call.site, call.path["code"]))


async def put_translation(call: Call) -> Answer:
    """Handle `PUT …/stories/{code}/translations/{lang}`."""
    body: requests.PutTranslation = call.body
    typed = translations.TypedTranslation(body.title, body.url)
    code, lang = call.path["code"], call.path["lang"]
    return _answer(await translations.link(call.services, call.actor, call.site, code, lang, typed))


async def remove_translation(call: Call) -> Answer:
    """Handle `DELETE …/stories/{code}/translations/{lang}`."""
    code, lang = call.path["code"], call.path["lang"]
    changed = await translations.unlink(call.services, call.actor, call.site, code, lang)
    return Answer(answers.Readmitted(changed=changed))


def _answer(story: Story) -> Answer:
    return Answer(answers.Translations(translations=translation_answers(story)))
