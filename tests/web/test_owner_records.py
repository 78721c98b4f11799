"""Records as the owner API shows them."""

from widget_server.model.page_facts import PageFacts, SeenPage
from widget_server.operations.owners.copies import CopyRecord, ListedCopy
from widget_server.operations.owners.readers_now import ReaderCount
from widget_server.web.api.owner_records import copy_answer

COPY = CopyRecord(
    id=7, story="0" * 12, story_key="tides", story_title=None, jti="open", origin="https://n.example",
    page=None, label=None, lang=None, listed=False, generation=None, first_seen=0, last_seen=1,
    reactions=1, comments=0, story_reactions=3, status="live",
)  # fmt: skip


def test_a_copy_shows_what_was_seen_on_its_page_and_no_count_of_one_reader() -> None:
    seen = SeenPage(7, "https://n.example/a", 0, "read", PageFacts("A page", "en", True, False))
    shown = copy_answer(ListedCopy(COPY, ReaderCount(None)), seen)
    assert shown.seen is not None
    assert (shown.seen.title, shown.seen.credit, shown.seen.licence) == ("A page", True, False)
    assert shown.seen.snippet is None
    assert shown.seen.at == "1970-01-01T00:00:00.000Z"
    assert (shown.readers, shown.code_only, shown.share) == (None, True, 0.3333)
    assert copy_answer(ListedCopy(COPY, ReaderCount(12))).seen is None
