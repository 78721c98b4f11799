"""`site show`, `story list/show`, `copy list/revoke` and `token list`: for people and as JSON."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence
from tests.contract.make_tokens import code


def as_json(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


@pytest.fixture
def carried(run: Run, site: str, data: Path) -> str:
    """Mint a token for a story that two pages carry, and return the story's code."""
    words = ("token", "--site", site, "--story", "ferry", "--origin", "*", "--snippet")
    assert (
        run(*words, "--title", "The =ferry", "--label", "=Northside", "--jti", "mine").status == 0
    )
    with closing(sqlite3.connect(data / "database.sqlite3")) as database, database:
        for number, (jti, origin) in enumerate(
            (("mine", "https://one.example"), ("open", "https://two.example"))
        ):
            database.execute(
                "INSERT INTO copies (story, jti, origin, label, first_seen, last_seen)"
                " VALUES (1, ?, ?, ?, ?, ?)",
                (jti, origin, "=Northside" if jti == "mine" else None, number + 1, number + 2),
            )
    return code(site, "ferry")


def test_a_site_is_shown_with_its_keys(run: Run, site: str, carried: str) -> None:
    run("site", "rotate-key", site)
    assert as_json(run, "site", "show", site) == {
        "slug": "press",
        "name": "The Press",
        "stories": 1,
        "copies": 2,
        "readers": 0,
        "keys": [
            {"number": 2, "signs": True, "accepted": True, "tokens": 0, "copies": 0},
            {"number": 1, "signs": False, "accepted": True, "tokens": 1, "copies": 0},
        ],
    }
    assert "1 stories, 2 copies, 0 reading now" in run("site", "show", site).out


def test_stories_are_listed_and_shown(run: Run, site: str, carried: str) -> None:
    listed = as_json(run, "story", "list", site)
    assert (listed["total"], listed["all"], listed["next"]) == (1, 1, None)
    (story,) = listed["stories"]
    assert (story["code"], story["key"], story["copies"]) == (carried, "ferry", 2)
    shown = as_json(run, "story", "show", carried)
    assert shown.items() >= story.items()
    assert [copy["origin"] for copy in shown["copy_list"]] == [
        "https://two.example",
        "https://one.example",
    ]
    assert f"{carried}\topen\tThe =ferry\t2\t0\t0\t0\t0\t" in run("story", "list", site).out
    assert "title: The =ferry" in run("story", "show", carried).out
    assert as_json(run, "story", "list", site, "--state", "closed")["stories"] == []
    assert "No story" in run("story", "list", site, "--search", "rain").err


def test_copies_are_listed_and_exported(run: Run, site: str, carried: str) -> None:
    listed = as_json(run, "copy", "list", site, "--sort", "first_seen")
    assert [copy["jti"] for copy in listed["copies"]] == ["open", "mine"]
    assert listed["copies"][1]["status"] == "live"
    done = run("copy", "list", site, "--csv")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert [row["label"] for row in rows] == ["", "'=Northside"]
    page = run("copy", "list", site, "--limit", "1")
    after = page.err.partition("--after ")[2]
    assert len(page.out.splitlines()) == 1
    assert len(run("copy", "list", site, "--limit", "1", "--after", after).out.splitlines()) == 1


def test_one_copy_is_revoked_and_its_origin_shut_out(run: Run, site: str, carried: str) -> None:
    first, second = (
        copy["id"] for copy in as_json(run, "copy", "list", site, "--sort", "first_seen")["copies"]
    )
    assert "only the story's code" in sentence(run("copy", "revoke", site, str(first)))
    done = as_json(run, "copy", "revoke", site, str(second), "--shut-out", "story")
    assert done == {
        "copy": second,
        "token_revoked": True,
        "also": [],
        "shut_out": "story",
        "origin": "https://one.example",
        "before": False,
    }
    assert as_json(run, "site", "shut-outs", site) == [
        {"origin": "https://one.example", "story": "ferry"}
    ]
    assert "It was revoked before" in run("copy", "revoke", site, str(second)).out
    assert "no such copy" in sentence(run("copy", "revoke", site, "999"))


def test_tokens_are_listed_without_their_text(run: Run, site: str, carried: str) -> None:
    signed = run("token", "--site", site, "--story", "rain", "--origin", "https://a.example").out
    listed = as_json(run, "token", "list", site)
    assert {token["story"]: token["status"] for token in listed["tokens"]} == {
        "ferry": "live",
        "rain": "unseen",
    }
    assert {token["by"].partition(":")[0] for token in listed["tokens"]} == {"shell"}
    assert signed.rpartition(".")[2] not in json.dumps(listed)
    assert "mine\tlive\tferry\t=Northside\t*\tshell:" in run("token", "list", site).out
    assert as_json(run, "token", "list", site, "--status", "revoked")["tokens"] == []


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("story", "list", "press", "--sort", "size"), "--sort takes"),
        (("story", "list", "press", "--state", "ajar"), "--state takes"),
        (("story", "list", "press", "--after", "x"), "`after`"),
        (("story", "list", "other"), "There is no site"),
        (("story", "show", "000000000000"), "There is no story"),
        (("copy", "list", "press", "--sort", "size"), "--sort takes"),
        (("copy", "list", "press", "--status", "gone"), "--status takes"),
        (("copy", "list", "press", "--csv", "--json"), "--csv or --json"),
        (("copy", "list", "other"), "There is no site"),
        (("copy", "revoke", "press", "1", "--shut-out", "all"), "--shut-out takes"),
        (("token", "list", "press", "--status", "gone"), "--status takes"),
        (("token", "list", "other"), "There is no site"),
        (("site", "show", "other"), "There is no site"),
    ],
)
def test_bad_input_is_one_sentence_that_says_what_to_do(
    run: Run, site: str, words: tuple[str, ...], advice: str
) -> None:
    assert advice in sentence(run(*words))
