"""Read what was reported as it was then, where its author has changed it since."""

from widget_server.model.bans import ReportedText
from widget_server.model.queue import Context
from widget_server.model.records import Comment
from widget_server.operations.services import Services


def reported_texts(
    services: Services, comment: Comment, known: Context
) -> tuple[ReportedText, ...]:
    """Return what was reported of the comment, where it reads otherwise now, the oldest first.

    `known` is what the actor may know of it: nothing was reported for those who may not read reports.
    """
    found: list[ReportedText] = []
    for one in sorted(known.reported, key=lambda one: one.revision):
        words = services.log_keys.unseal(one.sealed)
        if words is not None and words["source"] != comment.source:
            found.append(ReportedText(one.revision, one.at, words["source"]))
    return tuple(found)
