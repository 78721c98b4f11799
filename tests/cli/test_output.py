"""Output for programs (`--json`) and for people: help, and what each command says it did."""

import io
import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.commands import Run, run_next_to
from tests.contract.make_tokens import code
from tests.e2e.harness import ServerProcess
from tests.loopback import http_client
from widget_server.cli import main
from widget_server.cli.main import COMMANDS, HIDDEN
from widget_server.cli.output import print_json
from widget_server.model.errors import EXIT_CONFIG_ERROR
from widget_server.model.settings import SiteSettings


def as_json(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert done.status == 0, done
    assert done.err == ""
    return json.loads(done.out)


def test_sites_are_listed_as_json(run: Run, site: str) -> None:
    run("site", "rotate-key", site)
    assert as_json(run, "site", "list") == [
        {"slug": "press", "name": "The Press", "generation": 2, "oldest_generation": 1}
    ]


def test_an_empty_list_is_an_empty_array_and_a_sentence_for_people(run: Run, site: str) -> None:
    for words in (("site", "shut-outs", site), ("comment", "pending", site)):
        assert as_json(run, *words) == []
        done = run(*words)
        assert (done.status, done.out) == (0, "")
        assert done.err.startswith("No ")
        assert done.err.endswith(".")


def test_there_being_no_site_is_said(run: Run) -> None:
    assert as_json(run, "site", "list") == []
    assert "no site" in run("site", "list").err


def test_rules_are_printed_as_json(run: Run, site: str) -> None:
    # The trees are made from the texts, and `full` from how much waits.
    made = {"guidelines_trees", "full"}
    shown = [name for name in SiteSettings.__slots__ if name not in made]
    rules = as_json(run, "site", "set", site)
    assert list(rules) == shown
    assert rules["reactions"][0].keys() == {"key", "label", "emoji"}
    changed = as_json(run, "site", "set", site, "show_copy=off", "edit_window=60")
    assert changed == {"show_copy": False, "edit_window": 60}
    text = run("site", "set", site).out.splitlines()
    assert [line.partition("=")[0] for line in text] == shown
    assert "show_copy=off" in text


def test_shut_outs_are_listed_as_json(run: Run, site: str) -> None:
    run("site", "shut-out", site, "https://bad.example")
    run("site", "shut-out", site, "https://other.example", "--story", "2026/ferry")
    assert as_json(run, "site", "shut-outs", site) == [
        {"origin": "https://bad.example", "story": None},
        {"origin": "https://other.example", "story": code("press", "2026/ferry")},
    ]


def test_a_withdrawn_token_is_described_as_json(run: Run, site: str, data: Path) -> None:
    run("token", "--site", site, "--story", "one", "--origin", "*", "--jti", "mine", "--snippet")
    with closing(sqlite3.connect(data / "database.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO copies (story, jti, origin, first_seen, last_seen) "
            "VALUES (1, 'mine', 'https://copy.example', 1, 2)"
        )
    expected = {
        "jti": "mine",
        "withdrawn_before": False,
        "shut_out": None,
        "seen": [
            {
                "story": "one",
                "origin": "https://copy.example",
                "label": None,
                "page": None,
                "last_seen": 2,
            }
        ],
    }
    assert as_json(run, "site", "revoke", site, "mine") == expected
    again = as_json(run, "site", "revoke", site, "mine", "--shut-out")
    assert again == expected | {"withdrawn_before": True, "shut_out": "https://copy.example"}


def test_checks_of_doctor_are_printed_as_json(run: Run, data: Path) -> None:
    checks = as_json(run, "doctor")
    assert [check["name"] for check in checks] == [
        *("folder", "secrets", "database", "clock", "bus", "address", "people", "embed"),
    ]
    assert all(check.keys() == {"name", "ok", "message"} and check["ok"] for check in checks)
    data.write_text("a file")
    done = run("doctor", "--json")
    assert (done.status, json.loads(done.out)[0]["ok"]) == (2, False)


async def test_pending_comments_are_listed_as_json_and_moderation_is_confirmed(
    new_server: Callable[..., ServerProcess],
) -> None:
    server: ServerProcess = await new_server().start()
    run_next_to(server, "site", "create", "press", "--name", "Press")
    run_next_to(server, "site", "set", "press", "moderation=pre")
    token = run_next_to(server, "token", "--site", "press", "--story", "one", "--origin", "*")
    story = code("press", "one")
    async with http_client(base_url=server.url) as http:
        action = {"type": "comment", "story": story, "token": token, "key": "a-key-of-mine"}
        answer: httpx.Response = await http.post("/v1/actions", json=action | {"body": "a\u202eb"})
        comment = answer.json()["comment"]
    printed = run_next_to(server, "comment", "pending", "press", "--json")
    assert printed.isascii()
    assert json.loads(printed) == [
        {
            "id": comment["id"],
            "story": story,
            "kind": "new",
            "name": None,
            "text": "a\u202eb",
            "created_at": json.loads(printed)[0]["created_at"],
            "edited_at": None,
            "revision": 1,
            "tags": [],
        }
    ]
    for words, said in (
        (("comment", "approve", comment["id"]), f"Published comment {comment['id']}."),
        (("comment", "pin", comment["id"]), f"Pinned comment {comment['id']}."),
        (("comment", "unpin", comment["id"]), f"Unpinned comment {comment['id']}."),
        (("comment", "feature", comment["id"]), f"Featured comment {comment['id']}."),
        (
            ("comment", "unfeature", comment["id"]),
            f"Comment {comment['id']} is no longer featured.",
        ),
        (("comment", "remove", comment["id"]), f"Removed comment {comment['id']} from every copy."),
        (("story", "close", story), f"Closed the discussion of story {story}."),
        (("story", "open", story), f"Opened the discussion of story {story}."),
        (("story", "notice", story, "Hi"), f"Set the notice on the discussion of story {story}."),
        (
            ("story", "notice", story, ""),
            f"Removed the notice from the discussion of story {story}.",
        ),
    ):
        assert run_next_to(server, *words) == said


def test_json_has_no_character_that_controls_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "a\x1b[2J\x7f\x9b\u2028\u202e\U000e0041\U0001f469 é"
    print_json({"text": text})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert printed.replace("\n", "").isprintable()
    assert json.loads(printed) == {"text": text}


def test_help_groups_the_commands_by_task(run: Run) -> None:
    text = run("--help").out
    panels = [panel for panel in dict.fromkeys(COMMANDS.values()) if panel != HIDDEN]
    assert panels == ["Run", "Publish", "Team", "Moderate", "Maintain"]
    places = [text.index(f" {panel} ") for panel in panels]
    assert places == sorted(places)
    for name, panel in COMMANDS.items():
        if panel == HIDDEN:
            assert name not in text
        else:
            following = [place for place in places if place > text.index(f" {panel} ")]
            assert f" {name} " in text[text.index(f" {panel} ") : min(following, default=None)]


def sentences(text: str) -> list[str]:
    """Return the descriptions in the panels of a help page, each joined to one line."""
    rows: list[str] = []
    for line in text.splitlines():
        cells = line.strip("│ ").rsplit("  ", 1)
        if line.startswith("│") and len(cells) == 2:
            rows.append(cells[1].strip())
    return rows


def test_every_command_and_option_is_described_by_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("TERMINAL_WIDTH", "250")
    pages: list[tuple[str, ...]] = [("--help",)]
    pages += [(name, "--help") for name, panel in COMMANDS.items() if panel != HIDDEN]
    for group in ("site", "story", "comment"):
        names = [line.split()[1] for line in panel_rows(run(group, "--help").out, "Commands")]
        assert names
        pages += [(group, name, "--help") for name in names]
    for page in pages:
        text = run(*page).out
        for row in sentences(text):
            without_notes = row.split(" [")[0].strip()
            if without_notes in {"Show this message and exit.", ""}:
                continue
            assert without_notes[0].isupper(), (page, row)
            assert without_notes.endswith("."), (page, row)


def panel_rows(text: str, panel: str) -> list[str]:
    """Return the lines of one panel of a help page."""
    lines = text[text.index(f" {panel} ") :].splitlines()[1:]
    return lines[: next(number for number, line in enumerate(lines) if line[0] == "╰")]


def test_output_that_the_terminal_cannot_encode_is_reported_to_the_operator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def list_sites() -> None:
        sys.stdout.write("Zeitung für alle\n")

    monkeypatch.setattr(main, "app", list_sites)
    monkeypatch.setattr(sys, "argv", ["widget-server", "site", "list"])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with pytest.raises(SystemExit) as exit_:
        main.main()
    assert exit_.value.code == EXIT_CONFIG_ERROR
    assert "PYTHONIOENCODING=utf-8" in capsys.readouterr().err


def test_an_encoding_error_that_is_a_bug_stays_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode() -> None:
        "\ud800".encode()

    monkeypatch.setattr(main, "app", encode)
    monkeypatch.setattr(sys, "argv", ["widget-server", "site", "list"])
    with pytest.raises(UnicodeEncodeError):
        main.main()
