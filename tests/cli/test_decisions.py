"""Commands that decide, undo, and read and verify the log."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence
from tests.operations.operations_harness import PAGE, new_comment
from widget_server.cli.context import with_services
from widget_server.model.actors import shell
from widget_server.model.claims import WidgetClaims
from widget_server.operations.owners import sites
from widget_server.operations.readers import authorize, comment as comments, identify
from widget_server.operations.services import Services


@pytest.fixture
def comment(run: Run, site: str, data: Path) -> str:
    """Post a reported comment and return its id."""

    async def post(services: Services) -> str:
        claims = WidgetClaims(site=site, story="s", origins=(PAGE,), iat=1, jti="handle")
        token = await sites.mint(services, shell("test"), claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=PAGE, page=f"{PAGE}/a"
        )
        author = identify.act(services, grant, None, "n", None)
        posted = await comments.post(services, grant, author, new_comment("my words", name="Ana"))
        other = identify.act(services, grant, None, "n", None)
        await comments.report(services, grant, other, posted.id, "threat")
        return posted.id

    return with_services(data, post)


def answer(run: Run, *words: str) -> Any:
    """Run a command and return its JSON."""
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_a_removal_is_listed_undone_and_verified(
    run: Run, site: str, comment: str, data: Path
) -> None:
    (reported,) = answer(run, "report", "list", site)
    assert (reported["comment"], reported["reasons"]) == (comment, ["threat"])
    assert [one["reason"] for one in reported["reports"]] == ["threat"]
    assert run("report", "list", site, "--fail-if-any").status == 1
    removed = run("comment", "remove", comment, "--reason", "threat", "--note", "call the police")
    assert removed.status == 0
    decision = removed.err.rpartition(" ")[2]
    assert answer(run, "report", "list", site) == []
    shown = answer(run, "comment", "show", comment)
    assert (shown["state"], shown["text"], shown["name"]) == ("removed", "my words", "Ana")
    (entry,) = answer(run, "log", "list", site, "--verb", "remove")
    assert (entry["id"], entry["note"], entry["via"]) == (decision, "call the police", "cli")
    assert entry["actor_kind"] == "shell"
    assert run("undo", decision).out == f"Undone for {comment}."
    (listed,) = answer(run, "comment", "list", site)
    assert (listed["state"], listed["text"]) == ("published", "my words")
    assert [one["comment"] for one in answer(run, "report", "list", site)] == [comment]
    assert answer(run, "log", "verify")["damages"] == []
    assert (data / "log-heads.jsonl").exists()
    with closing(sqlite3.connect(data / "database.sqlite3")) as database:
        database.execute("UPDATE decisions SET actor = 'somebody else' WHERE number = 1")
        database.commit()
    found = run("log", "verify")
    assert (found.status, f"({decision})" in found.out) == (1, True)


def test_several_comments_are_decided_together_and_undone_together(
    run: Run, site: str, comment: str
) -> None:
    done = run("comment", "remove", comment, "unknown", "--json")
    assert done.status == 1
    result = json.loads(done.out)
    assert (result["done"], list(result["refused"])) == ([comment], ["unknown"])
    assert answer(run, "undo", result["batch"])["done"] == [comment]


def test_a_decision_about_words_that_changed_is_refused(run: Run, comment: str) -> None:
    assert "has changed since" in sentence(run("comment", "remove", comment, "--revision", "7"))
    assert run("comment", "remove", comment, "--revision", "1").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("comment remove ID --reason because", "one of these reasons"),
        ("comment remove unknown", "no comment with this id"),
        ("undo unknown", "no decision and no batch"),
        ("comment show unknown", "no comment with this id"),
        ("log list unknown", "no site"),
        ("report list unknown", "no site"),
    ],
)
def test_bad_input_is_explained(run: Run, comment: str, words: str, said: str) -> None:
    assert said in sentence(run(*words.replace("ID", comment).split()))
