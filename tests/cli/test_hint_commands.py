"""Commands about error reports of readers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence
from tests.operations.operations_harness import PAGE
from widget_server.cli.context import with_services
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize, hint, identify
from widget_server.operations.services import Services


@pytest.fixture
def sent(run: Run, site: str, data: Path) -> list[str]:
    """Send two error reports about one story, by two readers, and return their ids."""

    async def send(services: Services) -> list[str]:
        claims = WidgetClaims(site=site, story="s", origins=(PAGE,), iat=1, jti="handle")
        token = await sites.mint(services, shell("test"), claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=PAGE, page=f"{PAGE}/a"
        )
        found = []
        for text in ("It was\n1961.", "Is it\u202e so?"):
            reader = identify.act(services, grant, None, "n", None)
            new = hint.NewHint(text, "in 1971", "Ann")
            found.append((await hint.send(services, grant, reader, new)).id)
        return found

    return with_services(data, send)


def answer(run: Run, *words: str) -> Any:
    """Run a command and return its JSON."""
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_error_reports_are_listed_followed_declined_and_opened_again(
    run: Run, site: str, sent: list[str]
) -> None:
    first, second = sent
    listed = answer(run, "story", "hints", site)
    assert [one["id"] for one in listed] == sent
    assert (listed[0]["text"], listed[0]["passage"], listed[0]["credit"]) == (
        "It was\n1961.",
        "in 1971",
        "Ann",
    )
    lines = run("story", "hints", site).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == sent
    assert [line.split("\t")[-1] for line in lines] == ["It was 1961.", "Is it\\u202e so?"]
    assert answer(run, "queue", "counts", site)["corrections"] == 2
    words = ("It was built in 1961.", "--kind", "update", "--in", "de=Von 1961.", "--passage", "")
    made = answer(run, "story", "accept-hint", site, first, *words, "--answer", "Thanks.")
    assert (made["kind"], made["texts"], made["passage"], made["credit"]) == (
        "update",
        {"de": "Von 1961."},
        None,
        "Ann",
    )
    (shown,) = answer(run, "story", "corrections", listed[0]["story"])
    assert shown["id"] == made["id"]
    declined = run("story", "decline-hint", site, second)
    assert declined.status == 0
    undo = declined.out.rpartition("`")[0].rpartition(" ")[2]
    assert answer(run, "story", "hints", site) == []
    entries = answer(run, "log", "list", site, "--verb", "reject")
    assert [one["targets"] for one in entries] == [[f"hint:{second}"]]
    assert run("undo", undo).status == 0
    assert run("undo", made["id"]).status == 0
    assert [one["id"] for one in answer(run, "story", "hints", site)] == sent
    made = answer(run, "story", "accept-hint", site, second, "Words.", "--no-thanks")
    assert (made["passage"], made["credit"]) == ("in 1971", None)
    assert run("log", "verify").status == 0


def test_pages_follow_each_other_and_a_story_narrows_them(
    run: Run, site: str, sent: list[str]
) -> None:
    first, second = sent
    page = run("story", "hints", site, "--limit", "1", "--json")
    assert [one["id"] for one in json.loads(page.out)] == [first]
    after = page.err.rpartition(" ")[2]
    rest = answer(run, "story", "hints", site, "--limit", "5", "--after", after)
    assert [one["id"] for one in rest] == [second]
    assert answer(run, "story", "hints", site, "--story", "0" * 12) == []


def test_what_cannot_be_done_is_a_sentence(run: Run, site: str, sent: list[str]) -> None:
    first, _ = sent
    assert run("story", "decline-hint", site, first).status == 0
    for words in (
        ("accept-hint", site, first, "Words."),
        ("accept-hint", site, "missing", "Words."),
        ("decline-hint", site, first),
        ("decline-hint", site, "missing"),
        ("accept-hint", site, sent[1], " "),
        ("accept-hint", site, sent[1], "Words.", "--kind", "erratum"),
        ("decline-hint", site, sent[1], "--answer", "x" * 501),
        ("hints", site, "--after", "nonsense"),
    ):
        assert sentence(run("story", *words)), words
