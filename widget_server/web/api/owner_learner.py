"""The learned filter, for programs."""

from widget_server.model.learning import LEARNER
from widget_server.operations.moderation import learner, rules
from widget_server.protocol import (
    owner_answers_rules as answers,
    owner_requests_rules as requests,
)
from widget_server.web.api.owner_call import Answer, Call


async def show_learner(call: Call) -> Answer:
    """Handle `GET …/learner`."""
    return Answer(await _learner(call))


async def change_learner(call: Call) -> Answer:
    """Handle `PATCH …/learner`."""
    body: requests.ChangeLearner = call.body
    call.require("read_rules")
    await learner.set_filter(call.services, call.actor, call.site, body.mode, body.rate)
    return Answer(await _learner(call))


async def _learner(call: Call) -> answers.LearnerAnswer:
    state, hits = await learner.show_learner(call.services, call.actor, call.site)
    bad, good = learner.NEEDED
    return answers.LearnerAnswer(
        mode=state.mode,
        rate=state.rate,
        bad_seen=state.bad_seen,
        good_seen=state.good_seen,
        bad_needed=bad,
        good_needed=good,
        curve=[
            answers.CurvePoint(
                rate=one["rate"], caught=one["caught"], low=one["low"], high=one["high"]
            )
            for one in state.curve
        ],
        hits=answers.RuleHits(
            held=hits.acting,
            in_shadow=hits.shadow,
            approved=hits.approved,
            removed=hits.removed,
        ),
        missed=await rules.count_missed(call.services, call.actor, call.site, LEARNER),
        last=[
            answers.Judged(
                comment=one.hit.comment,
                held=one.hit.acting,
                outcome=one.hit.outcome,
                words_for=list(one.words_for),
                words_against=list(one.words_against),
            )
            for one in await learner.why(call.services, call.actor, call.site)
        ],
    )
