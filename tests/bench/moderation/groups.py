"""All groups of figures, in the order of their numbers. A new group is added here."""

from tests.bench.moderation import (
    export,
    hours,
    keys,
    learner,
    log,
    pages,
    queue,
    raids,
    rules,
)
from tests.bench.moderation.figures import Group

GROUPS: tuple[Group, ...] = (
    pages.GROUP,
    queue.GROUP,
    keys.GROUP,
    keys.TWO_MODERATORS,
    learner.GROUP,
    rules.GROUP,
    rules.IN_EVERY_PROCESS,
    hours.GROUP,
    raids.GROUP,
    log.GROUP,
    export.GROUP,
)
