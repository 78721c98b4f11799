"""Commands for what the dashboard's pages take back, answer, look at and count."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence
from tests.operations.operations_harness import PAGE, new_comment
from widget_server.cli.context import with_services
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.operations.owners import links, sites
from widget_server.operations.readers import authorize, comment as comments, copies, identify
from widget_server.operations.services import Services


@pytest.fixture
def names(run: Run, site: str, data: Path) -> dict[str, str]:
    """Return the story, comment and copy of a page, and make an account `Jonas`, a moderator."""

    async def make(services: Services) -> dict[str, str]:
        by = shell("test")
        claims = WidgetClaims(site=site, story="s", origins=(PAGE,), iat=1, jti="handle")
        token = await sites.mint(services, by, claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=PAGE, page=f"{PAGE}/a"
        )
        copy = await copies.record_seen(services, grant, "n")
        assert copy is not None
        author = identify.act(services, grant, None, "n", None)
        posted = await comments.post(services, grant, author, new_comment("my words"))
        link = await links.invite(services, by, site, "moderator")
        ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
        assert isinstance(ticket, str)
        words = "six boats on a ferry"
        await links.create_account(services, ticket, "Jonas", "j@press.example", words, agent="")
        return {"story": grant.story.code, "comment": posted.id, "copy": str(copy.id)}

    return with_services(data, make)


def answer(run: Run, *words: str) -> Any:
    """Run a command and return its JSON."""
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_a_copy_is_given_back(run: Run, site: str, names: dict[str, str]) -> None:
    copy = names["copy"]
    assert answer(run, "copy", "give-back", site, copy) == {"copy": int(copy), "changed": False}
    answer(run, "copy", "revoke", site, copy, "--shut-out", "site")
    assert answer(run, "site", "shut-outs", site) == [{"origin": PAGE, "story": None}]
    assert answer(run, "copy", "give-back", site, copy)["changed"] is True
    assert answer(run, "site", "shut-outs", site) == []
    (listed,) = answer(run, "copy", "list", site)["copies"]
    assert listed["status"] == "live"
    assert "no such copy" in sentence(run("copy", "give-back", site, "999"))
    assert run("copy", "give-back", site, copy, "--as", "Jonas").status == 2


def test_an_origin_is_shut_out_and_admitted_again_as_json(run: Run, site: str) -> None:
    origin = "https://x.example"
    assert answer(run, "site", "shut-out", site, origin) == {"origin": origin, "story": None}
    assert answer(run, "site", "readmit", site, origin) == {"origin": origin, "story": None}
    assert "not shut out" in sentence(run("site", "readmit", site, origin))


def test_changes_of_a_site_are_undone_by_their_id(
    run: Run, site: str, names: dict[str, str]
) -> None:
    answer(run, "people", "role", "Jonas", "editor", "--site", site)
    (entry, *_) = answer(run, "log", "list", site, "--verb", "role")
    assert run("undo", entry["id"]).out == "Undone. The site is as before."
    (jonas,) = answer(run, "people", "list", "--site", site)
    assert jonas["role"] == "moderator"
    answer(run, "site", "revoke", site, "handle")
    (entry,) = answer(run, "log", "list", site, "--verb", "revoke")
    answer(run, "undo", entry["id"])
    (listed,) = answer(run, "copy", "list", site)["copies"]
    assert listed["status"] == "live"
    run("site", "rotate-key", site)
    run("site", "retire-keys", site)
    (entry,) = answer(run, "log", "list", site, "--verb", "retire")
    assert "cannot come back" in sentence(run("undo", entry["id"]))


def test_an_answer_is_published_under_the_accounts_name_only(
    run: Run, site: str, names: dict[str, str]
) -> None:
    comment = names["comment"]
    said = sentence(run("comment", "answer", comment, "Thank you."))
    assert "Only a person with an account" in said
    made = answer(run, "comment", "answer", comment, "Thank **you**.", "--as", "Jonas")
    shown = answer(run, "comment", "show", made["comment"])
    assert (shown["name"], shown["text"]) == ("Jonas", "Thank **you**.")
    assert "no comment" in sentence(run("comment", "answer", "unknown", "x", "--as", "Jonas"))


def test_an_invitation_is_listed_and_taken_back(run: Run, site: str) -> None:
    answer(
        run, "people", "invite", "--role", "editor", "--site", site, "--email", "ines@press.example"
    )
    (listed,) = answer(run, "people", "invitations", "--site", site)
    assert (listed["role"], listed["email"], listed["copies"]) == (
        "editor",
        "ines@press.example",
        None,
    )
    assert listed["id"] in run("people", "invitations", "--site", site).out
    answer(run, "people", "take-back", listed["id"], "--site", site)
    assert answer(run, "people", "invitations", "--site", site) == []
    assert "taken back already" in sentence(
        run("people", "take-back", listed["id"], "--site", site)
    )


def test_a_page_is_looked_at_again_or_says_why_not(
    run: Run, site: str, names: dict[str, str]
) -> None:
    assert answer(run, "copy", "look", site, names["copy"]) == {"copy": int(names["copy"])}
    assert "no such copy" in sentence(run("copy", "look", site, "999"))
    run("site", "set", site, "look_at_copies=off")
    assert "does not look at copies" in sentence(run("copy", "look", site, names["copy"]))


@pytest.mark.parametrize("by", ["day", "hour", "copy", "lang", "story", "queue"])
def test_numbers_are_csv_or_json_with_the_same_figures(
    run: Run, site: str, names: dict[str, str], by: str
) -> None:
    text = run("numbers", site, "--by", by, "--days", "2").out
    rows = list(csv.DictReader(io.StringIO(text)))
    found = answer(run, "numbers", site, "--by", by, "--days", "2")
    assert len(found) == len(rows)
    if by in {"day", "hour"}:
        assert sum(one["comments"] for one in found) == 1
    if by == "copy":
        assert [(one["name"], one["comments"]) for one in found] == [(PAGE, 1)]


def test_numbers_say_what_they_take(run: Run, site: str) -> None:
    assert "--by takes day" in sentence(run("numbers", site, "--by", "moon"))
    assert "time zone" in sentence(run("numbers", site, "--zone", "The/Moon"))
    assert "no site" in sentence(run("numbers", "unknown"))


def test_the_log_is_exported_with_and_without_personal_data(
    run: Run, site: str, names: dict[str, str]
) -> None:
    run("comment", "remove", names["comment"], "--note", "=a note")
    public = run("log", "export", site).out
    assert "remove" in public
    assert "a note" not in public
    full = run("log", "export", site, "--full").out
    assert "'=a note" in full
    assert run("log", "export", site, "--full", "--as", "Jonas").status == 2


def test_a_story_is_closed_opened_and_annotated_as_json(run: Run, names: dict[str, str]) -> None:
    story = names["story"]
    assert answer(run, "story", "close", story)["closed"] is True
    assert answer(run, "story", "open", story)["closed"] is False
    assert answer(run, "story", "notice", story, "Be kind")["notice"] == "Be kind"
    later = answer(run, "story", "close", story, "--at", "2090-01-02")
    assert (later["closed"], later["closes_at"] > 0) == (False, True)
