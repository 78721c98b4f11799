"""`people` and `key`: links, roles and API keys by command."""

import json
from typing import Any

from tests.cli.commands import Run, sentence


def as_json(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_an_owners_link_is_printed_and_nobody_is_listed_before_it_is_used(
    run: Run, site: str
) -> None:
    link = as_json(run, "people", "invite", "--owner")
    assert link["url"].startswith("http://localhost:8000/admin/link/")
    assert as_json(run, "people", "list") == []
    assert as_json(run, "people", "list", "--site", site) == []
    invited = as_json(run, "people", "invite", "--role", "editor", "--site", site)
    assert invited["until"] > link["until"]


def test_a_link_made_without_public_url_says_where_another_port_belongs(
    run: Run, site: str
) -> None:
    assert "another port than 8000" in run("people", "invite", "--owner").out


def test_wrong_words_get_one_sentence(run: Run, site: str) -> None:
    assert "--owner" in sentence(run("people", "invite"))
    assert "roles" in sentence(run("people", "invite", "--role", "king", "--site", site))
    assert "no site" in sentence(run("people", "invite", "--role", "editor", "--site", "other"))
    assert "no account" in sentence(run("people", "reset", "Nobody"))
    assert "no account" in sentence(run("people", "list", "--as", "Nobody"))
    assert "no more than its maker" in sentence(
        run("key", "create", site, "--label", "x", "--scope", "nothing")
    )


def test_a_key_is_made_listed_and_ended(run: Run, site: str) -> None:
    made = as_json(run, "key", "create", site, "--label", "Letter", "--scope", "read_numbers")
    assert made["key"].startswith(f"wsk_{site}_")
    [listed] = as_json(run, "key", "list", site)
    assert (listed["id"], listed["label"], listed["scopes"]) == (
        made["id"],
        "Letter",
        ["read_numbers"],
    )
    assert "key" not in listed
    assert as_json(run, "key", "end", site, made["id"]) == {"id": made["id"]}
    assert as_json(run, "key", "list", site) == []
    assert "has ended" in sentence(run("key", "end", site, made["id"]))


def test_doctor_says_that_nobody_can_sign_in(run: Run, site: str) -> None:
    assert "Nobody (sites: 1) can sign in" in " ".join(run("doctor").out.split())
