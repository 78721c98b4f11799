"""Take back a change of a rule or of the learned filter that the site's log records."""

from dataclasses import replace

from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision, decided_by
from widget_server.model.errors import NotPermittedError, StaleError
from widget_server.model.learning import LEARNER, LearnerState
from widget_server.operations.services import Services
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.restore_rules import announced, restore_learner, restore_rule
from widget_server.store.writing.site_log import if_last

CHANGED_SINCE = "The rule was changed again since. Change it on the page Rules."
_NO_STATE = "The log does not have the rule as it was before. Change it on the page Rules."


async def take_back_rule(services: Services, by: Actor, site: str, entry: Decision) -> str:
    """Give a rule back what it said before a change, and its mode. Return the id of the entry `undo`.

    A rule that was removed is there again, one that was added is gone. Raises `StaleError` if it was changed or
    taken back since, and `NotPermittedError` if the log is too old to know what the rule said.
    """
    undo = decided_by(
        by,
        "undo",
        services.now_ms(),
        targets=entry.targets,
        undoes=entry.id,
        before=entry.after,
        after=entry.before,
    )
    if entry.targets == (LEARNER,):
        change = await _learner_as_before(services, site, entry, undo)
    else:
        before = await services.rules.stored.before(site, entry.id)
        if before is None and entry.before:
            raise NotPermittedError(_NO_STATE)
        restored = if_last(restore_rule(before, undo), site, entry, "undo")
        change = announced(restored, site, undo)
    if not await services.writer.run_in_transaction(change):
        raise StaleError(CHANGED_SINCE)
    await services.cache.site(site, max_age=0)
    return undo.id


async def _learner_as_before(
    services: Services, site: str, entry: Decision, undo: Decision
) -> TransactionFn[bool]:
    """Return the change that gives the learned filter its mode and rate back."""
    state = await services.learner.reads.state(site)
    if state is None:
        raise StaleError(CHANGED_SINCE)
    before = _with_choice(state, entry, undo)
    return if_last(restore_learner(before, undo), site, entry, "undo")


def _with_choice(state: LearnerState, entry: Decision, undo: Decision) -> LearnerState:
    """Return the filter's state with the mode and rate that an entry of the log had before."""
    mode = entry.before["mode"]
    if mode == state.mode:
        return replace(state, rate=entry.before["rate"])
    by = f"{undo.actor_kind}:{undo.actor}"[:120]
    return replace(state, mode=mode, rate=entry.before["rate"], mode_at=undo.at, mode_by=by)
