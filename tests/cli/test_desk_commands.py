"""Commands of the moderator's desk: the queue case by case, what is new, watch-lists and second looks."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence
from tests.operations.operations_harness import PAGE, new_comment
from tests.waiting import wait_until
from widget_server.cli.context import with_services
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.operations.owners import links, sites
from widget_server.operations.readers import authorize, comment as comments, identify
from widget_server.operations.services import Services

NAMES = ("Jonas", "Mira")


@pytest.fixture
def names(run: Run, site: str, data: Path) -> dict[str, str]:
    """Return a story with three comments, of which one is reported, and make two moderators."""

    async def make(services: Services) -> dict[str, str]:
        by = shell("test")
        claims = WidgetClaims(site=site, story="s", origins=(PAGE,), iat=1, jti="handle")
        token = await sites.mint(services, by, claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=PAGE, page=f"{PAGE}/a"
        )
        found = {"story": grant.story.code}
        for name in ("first", "second", "told"):
            author = identify.act(services, grant, None, name, None)
            posted = await comments.post(services, grant, author, new_comment(f"{name} words"))
            found[name] = posted.id
        reporter = identify.act(services, grant, None, "reporter", None)
        await comments.report(services, grant, reporter, found["told"], None, "hate")
        for name in NAMES:
            link = await links.invite(services, by, site, "moderator")
            ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
            assert isinstance(ticket, str)
            email = f"{name.lower()}@press.example"
            await links.create_account(
                services, ticket, name, email, "six boats on a ferry", agent=""
            )
        return found

    return with_services(data, make)


def answer(run: Run, *words: str) -> Any:
    """Run a command and return its JSON."""
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_a_case_is_listed_taken_shown_given_back_and_decided(
    run: Run, site: str, names: dict[str, str]
) -> None:
    assert answer(run, "queue", "counts", site)["reported"] == 1
    (listed,) = answer(run, "queue", "list", site, "--queue", "reported", "--because", "hate")
    assert (listed["comment"], listed["text"]) == (names["told"], "told words")
    (taken,) = answer(run, "queue", "take", site, "--as", "Jonas")
    assert taken == listed
    assert answer(run, "queue", "take", site, "--as", "Mira") == []
    case = str(listed["case"])
    assert answer(run, "case", "show", site, case)["reports"] == {"hate": 1}
    assert answer(run, "queue", "give-back", site, "--as", "Jonas") == {"given_back": 1}
    assert answer(run, "queue", "take", site, "--as", "Mira") == [listed]
    done = answer(run, "queue", "decide", site, case, "remove", "--reason", "hate", "--as", "Mira")
    assert (done["comment"], done["state"]) == (names["told"], "removed")
    assert "decided this case already" in sentence(run("queue", "decide", site, case, "approve"))
    assert "VERB takes" in sentence(run("queue", "decide", site, case, "burn"))


def test_what_is_new_is_listed_up_to_the_mark_of_each_person(
    run: Run, site: str, names: dict[str, str]
) -> None:
    def new(person: str) -> list[str]:
        return [one["comment"] for one in answer(run, "queue", "new", site, "--as", person)]

    expected = [names["first"], names["second"]]
    wait_until(lambda: new("Jonas") == expected, "comments are new after five seconds", 20)
    seen = answer(run, "queue", "seen", site, names["first"], "--as", "Jonas")
    assert seen == {"comment": names["first"], "seen": True}
    assert new("Jonas") == expected[1:]
    assert new("Mira") == expected
    answer(run, "queue", "seen", site, names["first"], "--take-back", "--as", "Jonas")
    assert new("Jonas") == expected
    assert "first words" in run("queue", "new", site).out
    assert "no comment with this id" in sentence(run("queue", "seen", site, "unknown00000"))


def test_a_watch_list_is_added_used_and_removed(run: Run, site: str, names: dict[str, str]) -> None:
    made = answer(run, "watch", "add", site, "One", "--story", names["story"])
    hours = answer(run, "watch", "add", site, "Busy", "--newer-than", "24", "--top", "20")
    assert answer(run, "watch", "list", site) == [hours, made]
    assert run("site", "set", site, "tags=urgent").status == 0
    tagged = answer(run, "watch", "add", site, "Tagged", "--tag", "urgent")
    assert tagged["tag"] == "urgent"
    assert answer(run, "watch", "remove", site, tagged["id"]) == {"removed": tagged["id"]}
    assert (hours["newer_than"], hours["top"], made["stories"]) == (24, 20, [names["story"]])
    (found,) = answer(run, "queue", "list", site, "--watch", made["id"])
    assert found["comment"] == names["told"]
    assert "One" in run("watch", "list", site).out
    assert answer(run, "watch", "remove", site, made["id"]) == {"removed": made["id"]}
    assert "no watch-list" in sentence(run("queue", "list", site, "--watch", made["id"]))
    assert "Say which stories" in sentence(run("watch", "add", site, "Empty"))


def test_a_second_look_is_answered_by_another_person_only(
    run: Run, site: str, names: dict[str, str]
) -> None:
    assert run("site", "set", site, "second_look=2").status == 0
    assert answer(run, "second-look", "next", site, "--as", "Mira") is None
    look, made = None, None
    for _ in range(40):
        # One decision in two is drawn by its random id.
        made = answer(run, "comment", "remove", names["first"], "--as", "Jonas")
        look = answer(run, "second-look", "next", site, "--as", "Mira")
        if look is not None:
            break
        assert run("comment", "restore", names["first"], "--as", "Jonas").status == 0
    assert look is not None, made
    assert (look["comment"], look["text"]) == (names["first"], "first words")
    assert answer(run, "second-look", "next", site, "--as", "Jonas") is None
    own = run("second-look", "answer", site, look["look"], "--stays", "--as", "Jonas")
    assert "decided this case already" in sentence(own)
    done = answer(run, "second-look", "answer", site, look["look"], "--goes", "--as", "Mira")
    assert done == {"look": look["look"], "stays": False}
    assert answer(run, "second-look", "agreement", site) == {"agreed": 1, "looked": 1}
