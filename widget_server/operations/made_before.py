"""What a request has changed already, before the process that did it died.

A request with an idempotency key logs everything that it changes under ids that follow from the request
(`model.decisions.decision_id`). The entry of the log and the change are one transaction, and the log has
each id once. So a change that was stored is found, and never made again.
"""

from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision, decision_id
from widget_server.operations.services import Services


async def made_before(services: Services, by: Actor, *subjects: str) -> dict[str, Decision]:
    """Return the decisions that this request has made, by subject. None, if it is done for the first time.

    A subject is the verb of a decision about a site or story, or a comment's or decision's id.
    """
    if by.request is None or not by.request.again:
        return {}
    ids = {subject: decision_id(by, subject) for subject in subjects}
    made = await services.made_decisions.with_ids(list(ids.values()))
    return {subject: made[name] for subject, name in ids.items() if name in made}
