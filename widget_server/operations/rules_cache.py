"""The rules of sites, ready to evaluate, and what they compare with: the texts of the last minutes.

Rules are read again when a site's `rights` change, which every process sees within `SITE_TTL_S`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from widget_server.content.rules import Rule
from widget_server.content.word_list import EntryRejectedError, WordList
from widget_server.model.records import Site
from widget_server.model.rules import RULE_KINDS, StoredRule
from widget_server.operations.cache import LookupCache
from widget_server.store.queries.rules import Rules
from widget_server.store.queries.text_marks import WINDOW_MS, TextMark, TextMarks
from widget_server.store.queries.trust import Trust

OVERLAP_MS = 10_000
"""Fingerprints so much older than the newest known are read again: they may be committed after it."""
MAX_RECENT = 2_000
"""Remembered texts of a site."""
MAX_SITES = 1_000
MANY_WORDS = 200
"""Lists with more entries are built in a thread."""


@dataclass(frozen=True, slots=True)
class SiteRules:
    """The rules of a site that are on or in shadow."""

    rules: tuple[Rule, ...] = ()

    def of_kind(self, kind: str) -> list[Rule]:
        """Return the rules of one kind."""
        return [rule for rule in self.rules if rule.kind == kind]

    @property
    def asks(self) -> bool:
        """Whether a rule that is on asks writers to think again."""
        return any(rule.ask and rule.mode == "on" for rule in self.rules)

    @property
    def names_copies(self) -> bool:
        """Whether a rule is about the copy that a comment was written on."""
        return any(rule.copy is not None for rule in self.rules)


class RulesCache:
    """Rules by site, as they were at most two seconds ago."""

    def __init__(self, rules: Rules, cache: LookupCache) -> None:
        self.stored = rules
        self.trust = Trust(rules.database)
        self.marks = TextMarks(rules.database)
        self.recent = RecentTexts(self.marks)
        self.trials = asyncio.Semaphore(1)
        """A process tries one rule at a time on past comments."""
        self._cache = cache
        self._by_site: OrderedDict[str, tuple[tuple[str, int], SiteRules]] = OrderedDict()

    async def of_site(self, site: Site, epoch: str) -> SiteRules:
        """Return the rules of a site. `epoch` is the database's. Raises `UnavailableError`."""
        version = (epoch, site.rights)
        known = self._by_site.get(site.slug)
        if known is not None and known[0][0] == epoch and known[0][1] >= site.rights:
            return known[1]
        # Rules that were read are at least as new as the `rights` that were read before.
        found = await self._cache.shared(
            ("rules", site.slug, *version), lambda: self._load(site.slug)
        )
        self._by_site[site.slug] = (version, found)
        self._by_site.move_to_end(site.slug)
        if len(self._by_site) > MAX_SITES:
            self._by_site.popitem(last=False)
        return found

    async def _load(self, slug: str) -> SiteRules:
        found = await self.stored.of_site(slug)
        # A kind that this version does not know is of a newer one.
        stored = [rule for rule in found if rule.mode != "off" and rule.spec.kind in RULE_KINDS]
        if sum(len(rule.spec.words) for rule in stored) > MANY_WORDS:
            return SiteRules(tuple(await asyncio.to_thread(lambda: list(map(compiled, stored)))))
        return SiteRules(tuple(map(compiled, stored)))


class RecentTexts:
    """Fingerprints of the texts that the site stored in the last ten minutes, in whatever process."""

    def __init__(self, marks: TextMarks) -> None:
        self._marks = marks
        self._by_site: OrderedDict[str, OrderedDict[str, TextMark]] = OrderedDict()

    async def others(self, site: str, draft: str, now: int) -> list[int]:
        """Return the fingerprints of the site's other texts at `now` (milliseconds).

        `draft` names one that is sent again. One SQL statement, which reads what was stored since the last
        time. Raises `UnavailableError`.
        """
        known = self._by_site.setdefault(site, OrderedDict())
        self._by_site.move_to_end(site)
        if len(self._by_site) > MAX_SITES:
            self._by_site.popitem(last=False)
        oldest = now - WINDOW_MS
        newest = next(reversed(known.values())).at - OVERLAP_MS if known else oldest
        for mark in await self._marks.since(site, max(oldest, newest), MAX_RECENT):
            known[mark.comment] = mark
            known.move_to_end(mark.comment)
        while known and (len(known) > MAX_RECENT or next(iter(known.values())).at < oldest):
            known.popitem(last=False)
        return [
            mark.mark
            for mark in known.values()
            if mark.at >= oldest and draft not in (mark.draft, mark.comment)
        ]


def compiled(stored: StoredRule) -> Rule:
    """Return the rule, ready to evaluate."""
    spec = stored.spec
    return Rule(
        id=stored.id,
        kind=spec.kind,
        action=spec.action,
        mode=stored.mode,
        story=spec.story,
        copy=None if spec.copy is None else str(spec.copy),
        languages=frozenset(spec.languages),
        words=_word_list(spec.words, leet=spec.leet) if spec.kind == "words" else None,
        exceptions=_word_list(spec.exceptions, leet=False) if spec.exceptions else None,
        limit=spec.limit,
        least=spec.least,
        guideline=spec.guideline,
        ask=spec.ask,
    )


def _word_list(entries: Iterable[str], *, leet: bool) -> WordList:
    """Return the list, without entries that only another version of this server accepted."""
    try:
        return WordList(entries, leet)
    except EntryRejectedError:
        return WordList([entry for entry in entries if _is_accepted(entry)], leet)


def _is_accepted(entry: str) -> bool:
    try:
        WordList([entry])
    except EntryRejectedError:
        return False
    return True


def language_of(tag: str | None) -> str | None:
    """Return the language of a tag: `pt` of `pt-BR`."""
    return tag.split("-", 1)[0].lower() if tag else None
