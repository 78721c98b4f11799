"""Find what the site's rules about words suspect in comments that wait for a person."""

from widget_server.content.rules import Context, evaluate
from widget_server.model.decisions import Case
from widget_server.model.queue import Suspects
from widget_server.operations.rules_cache import SiteRules, language_of
from widget_server.operations.services import Services


async def suspects_of(services: Services, site: str, cases: list[Case]) -> list[Suspects]:
    """Return, for each case, the words that rules on or in shadow find in its comment, as they are written.

    The rules come from the cache: no SQL statement unless they changed. Raises `UnavailableError`.
    """
    known = await services.cache.site(site)
    if known is None or not cases:
        return [Suspects() for _ in cases]
    found = await services.rules.of_site(known.site, services.discussions.epoch)
    return [_suspects(case, found) for case in cases]


def _suspects(case: Case, found: SiteRules) -> Suspects:
    comment = case.comment
    context = Context(
        story=case.story,
        copy=None if comment.copy is None else str(comment.copy.id),
        language=language_of(comment.lang),
        name=None if comment.vouched else comment.name,
        website=comment.website,
    )
    text = case.waiting if case.queue == "edits" and case.waiting is not None else comment.source
    hits = evaluate(text, context, found.of_kind("words")).hits
    spans = [span for hit in hits for span in hit.spans]
    return Suspects(
        words=tuple(dict.fromkeys(text[start:end] for start, end in spans)),
        beside=tuple(dict.fromkeys(one for hit in hits for one in hit.beside)),
        rules=tuple(hit.rule for hit in hits if hit.spans),
    )
