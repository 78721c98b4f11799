"""The command line: what each command does, and one sentence with status 2 for bad input."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from markdown_it import MarkdownIt

from tests.cli.commands import SECRET, Done, Run, run_next_to, sentence
from tests.conftest import SERVERS
from tests.contract.make_tokens import code
from tests.e2e.harness import ROOT, SETTINGS, ServerProcess
from tests.loopback import NO_TLS, http_client
from tests.ports import free_port
from tests.waiting import wait_until
from widget_server.auth.tokens import Keyring, parse_unverified
from widget_server.content.visibility import escaped
from widget_server.model.errors import TokenInvalidError

# Sites --------------------------------------------------------------------------------------------


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").out == f"widget-server {version('widget-server')}"


def test_every_command_explains_itself_with_a_short_option_too(run: Run) -> None:
    assert run("site", "set", "-h").out == run("site", "set", "--help").out


def test_a_site_is_created_and_listed(run: Run, site: str) -> None:
    assert run("site", "list").out == "press\tThe Press\tgeneration 1"
    assert run("site", "create", "other-paper", "--name", "Other").status == 0
    assert len(run("site", "list").out.splitlines()) == 2


@pytest.mark.parametrize("slug", ["Press", "-press", "a b", "", "a" * 41, "é", "a_b", "a\n"])
def test_an_invalid_slug_is_rejected(run: Run, slug: str) -> None:
    assert "slug" in sentence(run("site", "create", "--name", "X", "--", slug))


@pytest.mark.parametrize("name", ["", "n" * 101, "two\nlines", "nul\0"])
def test_an_invalid_site_name_is_rejected(run: Run, name: str) -> None:
    assert "name" in sentence(run("site", "create", "press", "--name", name))


def test_a_slug_that_is_taken_is_rejected(run: Run, site: str) -> None:
    assert "already" in sentence(run("site", "create", site, "--name", "Again"))


SETTABLE = {
    "prompt": ("How was it?", ["", "p" * 201, "two\nlines"]),
    "reactions": (
        "sad,happy",
        ["", "love", "happy", "happy,happy", "wow:Wow", "a:b:c,", ",".join(["happy"] * 13)],
    ),
    "reaction_style": ("emoji", ["none"]),
    "name": ("required", ["on", "", "REQUIRED"]),
    "website": ("optional", ["yes"]),
    "email": ("required", ["1"]),
    "moderation": ("pre", ["none"]),
    "guidelines": ("https://press.example/rules", ["press.example", "javascript:alert(1)"]),
    "guidelines_text": ("Be **kind**.", ["x" * 1001, "a\x07b"]),
    "comment_licence": ("CC-BY-4.0", ["CC BY", "-", "x" * 41]),
    "calls_to_action": (
        "https://a.example/lend Lend a book | https://b.example Write to the council",
        [
            "https://a.example",
            "a.example Lend",
            "https://a.example " + "x" * 81,
            " | ".join(["https://a.example Lend"] * 4),
        ],
    ),
    "open_reading": ("off", ["no", "0"]),
    "open_republishing": ("on", ["maybe"]),
    "edit_window": ("0", ["-1", "15m", "1.5", "9" * 8, "١"]),
    "show_copy": ("off", ["false"]),
    "discussion_languages": ("apart", ["", "on", "de"]),
    "search_engines": ("on", ["yes", "1"]),
    "close_after_days": ("30", ["", "-1", "1.5", "30d", "10000", "١"]),
    "close_after": ("comment", ["", "last", "0"]),
    "look_at_copies": ("off", ["no", "0"]),
    "older_copies": ("readers", ["", "on", "all"]),
    "accent": ("#1d9bf0", ["red", "#12345", "#ffff00", "1d9bf0", "#١٢٣"]),
    "density": ("0.75", ["0.7", "1.3", "wide", "", "1e0", "0,8", "١"]),
    "rate_limit_react": ("1/60", ["1", "0/60", "60", "1/0", "a/b"]),
    "rate_limit_comment": ("2/1", ["", "fast"]),
    "keep_days": ("7", ["0", "91", "-1", "1.5", "", "١"]),
    "reports_hide": ("3", ["1", "2", "51", "-3", "3.5", "", "٣"]),
    "second_look": ("20", ["1", "1001", "-2", "2.5", "", "٣"]),
    "tags": ("urgent, good quote", ["a,A", "x" * 41, "a\nb", "a,b,c,d,e,f,g,h,i,j"]),
    "network_bans": ("on", ["yes", "1"]),
    "show_decisions": ("on", ["yes", "1"]),
    "floods": ("off", ["no", "0"]),
    "flood_burst": ("5/2", ["5", "0/2", "5/0", "a/b", ""]),
    "flood_story": ("40/60", ["40", "0/60", "fast"]),
    "flood_copy": ("25/60", ["25", "0/60", "fast"]),
    "flood_network": ("25/60", ["25", "0/60", "fast"]),
    "flood_text": ("6/600", ["6", "0/600", "fast"]),
    "flood_hold": ("600", ["59", "86401", "-1", "1.5", "", "٦٠٠"]),
    "hours": (
        "Europe/Lisbon; mon,tue 06:00-20:00 open; 2026-12-24 closed; otherwise approval",
        ["Nowhere/Land", "UTC; mon 6-7 open", "UTC; mon 06:00-07:00 ajar"],
    ),
    "capacity": (
        "approval 100/30; closed 200/120",
        ["200", "closed 1/2/3", "approval 2; closed 1"],
    ),
}


def test_every_rule_of_a_site_has_a_test(run: Run, site: str) -> None:
    said = sentence(run("site", "set", site, "nothing=1"))
    known = said.partition("Known: ")[2].rstrip(".").split(", ")
    assert set(known) == set(SETTABLE)


@pytest.mark.parametrize("key", SETTABLE)
def test_a_rule_is_set_stored_and_printed(run: Run, site: str, key: str) -> None:
    value, wrong = SETTABLE[key]
    assert run("site", "set", site, f"{key}={value}").out == f"{key}={value}"
    for bad in wrong:
        # If one rule is wrong, none is stored.
        assert key in sentence(run("site", "set", site, "show_copy=on", f"{key}={bad}"))
    again = run("site", "set", site, f"{key}={value}")
    assert again.out == f"{key}={value}"


def test_a_site_adds_a_reaction_with_label_and_emoji(run: Run, site: str) -> None:
    done = run("site", "set", site, "reactions=happy,wow:Wow:🤩")
    assert done.out == "reactions=happy,wow"


def test_rules_of_an_unknown_site_are_rejected(run: Run) -> None:
    assert "“nowhere”" in sentence(run("site", "set", "nowhere", "name=off"))
    assert "KEY=VALUE" in sentence(run("site", "set", "nowhere", "name"))


def test_keys_are_printed_rotated_and_retired(run: Run, site: str) -> None:
    keyring = Keyring([SECRET])
    assert run("site", "key", site).out == f"generation 1, key {keyring.site_key(site, 1)}"
    assert "Generation 2 signs now; 1 and later" in run("site", "rotate-key", site).out
    assert run("site", "key", site).out == f"generation 2, key {keyring.site_key(site, 2)}"
    assert "Only generation 2" in run("site", "retire-keys", site).out
    for command in (("site", "key"), ("site", "rotate-key"), ("site", "retire-keys")):
        assert "“nowhere”" in sentence(run(*command, "nowhere"))


def test_the_widget_key_signs_widget_tokens_and_no_identities(run: Run, site: str) -> None:
    run("site", "rotate-key", site)
    line = run("site", "key", site, "--widgets").out
    assert json.loads(run("site", "key", site, "--widgets", "--json").out) == {"key": line}
    slug, generation, key = line.split(".")

    def sign(kind: str, payload: dict[str, object]) -> str:
        body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
        text = f"{kind}.{slug}.{generation}.{body}"
        mac = hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    now = int(time.time())
    token = sign("w1", {"story": "2026/ferry", "origins": ["*"], "iat": now})
    assert claims_of(token)["story"] == "2026/ferry"
    person = {"sub": "1", "name": "Ana", "jti": "x", "iat": now, "exp": now + 60}
    with pytest.raises(TokenInvalidError):
        Keyring([SECRET]).verify_identity(
            parse_unverified(sign("i1", person | {"author": True})), 1, 9, now
        )


# Tokens -------------------------------------------------------------------------------------------

TOKEN = ("token", "--site", "press", "--story", "2026/ferry")


def claims_of(token: str) -> dict[str, object]:
    claims = Keyring([SECRET]).verify_widget(parse_unverified(token), 1, 9, time.time())
    return {name: getattr(claims, name) for name in claims.__slots__} | {
        name: getattr(claims.attribution, name) for name in claims.attribution.__slots__
    }


def test_a_token_has_the_claims_of_the_options(run: Run, site: str) -> None:
    words = ["--origin", "https://Copy.example/", "--origin", "https://*.other.example"]
    words += ["--title", "Ferry “at six”", "--author", "Ines", "--publisher", "Press"]
    words += ["--url", "https://press.example/x", "--license", "CC-BY-SA-4.0", "--label", "Copy"]
    words += ["--lang", "es", "--changes", "Shortened.", "--expires", "90d", "--can", "read"]
    claims = claims_of(run(*TOKEN, *words).out)
    assert claims["origins"] == ("https://copy.example", "https://*.other.example")
    assert (claims["title"], claims["author"]) == ("Ferry “at six”", "Ines")
    assert (claims["license"], claims["url"]) == ("CC-BY-SA-4.0", "https://press.example/x")
    assert (claims["label"], claims["lang"], claims["can"]) == ("Copy", "es", ("read",))
    assert isinstance(claims["exp"], int)
    assert isinstance(claims["iat"], int)
    assert claims["exp"] - claims["iat"] == 90 * 86_400


@pytest.mark.parametrize(
    "wrong",
    [
        ("--origin", "copy.example"),
        ("--origin", "http://copy.example"),
        ("--origin", "https://copy.example/page"),
        ("--origin", ""),
        ("--origin", "*", "--expires", "soon"),
        ("--origin", "*", "--expires", "2027-13-01"),
        ("--origin", "*", "--expires", "0d"),
        ("--origin", "*", "--can", "moderate"),
        ("--origin", "*", "--lang", "<b>"),
        ("--origin", "*", "--url", "javascript:alert(1)"),
        ("--origin", "*", "--title", "t" * 301),
        ("--origin", "*", "--title", "two\nlines"),
        ("--origin", "*", "--story", "with space"),
        ("--origin", "*", "--story", ""),
        ("--origin", "*", "--site", "nowhere"),
    ],
)
def test_a_token_that_servers_reject_is_not_signed(
    run: Run, site: str, wrong: tuple[str, ...]
) -> None:
    sentence(run(*TOKEN, *wrong))


class Snippet(HTMLParser):
    """The tags of a snippet with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_a_snippet_credits_the_story_and_links_to_it(run: Run, site: str) -> None:
    hostile = '</script>"><b>Ferry'
    words = ["--origin", "*", "--title", hostile, "--author", "Ines", "--snippet"]
    words += ["--url", "https://press.example/x?a=1&b=2", "--changes", "Shortened."]
    html = run(*TOKEN, *words).out
    snippet = Snippet(html)
    link, original, licence = snippet.of("a")
    assert link["class"] == "story-widget"
    assert link["href"] == f"http://localhost:8000/s/{code('press', '2026/ferry')}"
    assert claims_of(link["data-widget-token"] or "")["title"] == hostile
    assert original["href"] == "https://press.example/x?a=1&b=2"
    assert licence["rel"] == "license"
    (script,) = snippet.of("script")
    assert script["src"] == "http://localhost:8000/embed.js"
    assert snippet.of("b") == []
    assert re.search(r"Changes: Shortened\.(?!\.)", html)


def test_each_form_of_a_snippet_is_valid_in_its_language(run: Run, site: str) -> None:
    hostile = "Ferry & <b> {of} [all] *days*"
    words = [*TOKEN, "--origin", "*", "--title", hostile, "--author", "Ines", "--snippet"]
    words += ["--url", "https://press.example/x?a=1&b=2"]
    link = f"http://localhost:8000/s/{code('press', '2026/ferry')}"
    # The HTML form is also valid XML.
    root = ElementTree.fromstring(f"<div>{run(*words).out}</div>")
    anchor, original, licence = root.iter("a")
    assert anchor.attrib["href"] == link
    assert "".join(anchor.itertext()).startswith(f"React to and discuss “{hostile}”:")
    assert original.attrib["href"] == "https://press.example/x?a=1&b=2"
    assert licence.attrib["rel"] == "license"
    (script,) = root.iter("script")
    assert script.attrib["async"] == "async"
    jsx = run(*words, "--form", "jsx").out
    assert "className=" in jsx
    assert " class=" not in jsx
    assert "async={true}" in jsx
    assert '{"Ferry & <b> {of} [all] *days*"}' in jsx
    alone = Snippet(run(*words, "--form", "link").out)
    assert [tag for tag, _ in alone.tags] == ["p", "a", "p", "a", "a"]
    markdown = run(*words, "--form", "markdown").out
    html = MarkdownIt().render(markdown)
    shown = ElementTree.fromstring(f"<div>{html}</div>")
    assert [each.attrib["href"] for each in shown.iter("a")] == [
        link,
        "https://press.example/x?a=1&amp;b=2".replace("&amp;", "&"),
        "https://creativecommons.org/licenses/by/4.0/",
    ]
    assert "".join(shown.itertext()).count(hostile) == 2
    assert "token" not in markdown
    wrong = run(*words, "--form", "pdf")
    sentence(wrong)
    assert "html, jsx, markdown, link" in wrong.err


def test_a_token_is_withdrawn_by_its_id_or_whole(run: Run, site: str) -> None:
    unseen = "handle: Withdrawn. No such token has been seen yet."
    assert run("site", "revoke", site, "handle").out == unseen
    again = "handle: It was withdrawn before. No such token has been seen yet."
    assert run("site", "revoke", site, "handle").out == again
    sentence(run("site", "revoke", "nowhere", "handle"))
    for wrong in ("", "h" * 65, "a b", "é", "open"):
        assert "jti" in sentence(run("site", "revoke", site, wrong))
    made = run(*TOKEN, "--origin", "*", "--jti", "mine")
    assert claims_of(made.out)["jti"] == "mine"
    assert "jti mine " in made.err
    assert run("site", "revoke", site, made.out).out.startswith("mine: Withdrawn.")
    unnamed = run(*TOKEN, "--origin", "*")
    handle = hashlib.sha256(unnamed.out.encode()).hexdigest()
    assert f"jti {handle} " in unnamed.err
    assert run("site", "revoke", site, unnamed.out).out.startswith(f"{handle}: Withdrawn.")
    run("site", "create", "other", "--name", "Other")
    assert "another site" in sentence(run("site", "revoke", "other", made.out))
    assert "not valid" in sentence(run("site", "revoke", site, made.out[:-3] + "AAA"))
    assert "“open”" in sentence(run(*TOKEN, "--origin", "*", "--jti", "open"))
    assert "no exact origin yet" in sentence(run("site", "revoke", site, "unseen", "--shut-out"))
    sentence(run("site", "revoke", site, "unseen", "--everywhere"))
    assert "Withdrawn" in run("site", "revoke", site, "unseen").out, "nothing was changed before"


def test_origins_are_shut_out_listed_and_readmitted(run: Run, site: str) -> None:
    shut = run("site", "shut-out", site, "HTTPS://Bad.Example:443/").out
    assert shut == "Shut out: https://bad.example, all stories."
    run("site", "shut-out", site, "http://plain.example", "--story", "2026/ferry")
    code_of_ferry = code("press", "2026/ferry")
    assert run("site", "shut-outs", site).out.splitlines() == [
        f"http://plain.example\t{code_of_ferry}",
        "https://bad.example\tall stories",
    ]
    for wrong in ("*", "null", "https://*.example", "https://bad.example/page", "bad.example"):
        assert "exact origin" in sentence(run("site", "shut-out", site, wrong))
    assert "own origin" in sentence(run("site", "shut-out", site, "http://localhost:8000"))
    assert run("site", "readmit", site, "https://bad.example").out == (
        "Readmitted: https://bad.example, all stories."
    )
    assert "shut-outs" in sentence(run("site", "readmit", site, "https://bad.example"))
    for command in ("shut-out", "readmit"):
        sentence(run("site", command, "nowhere", "https://bad.example"))
    sentence(run("site", "shut-outs", "nowhere"))


# Stories and comments -----------------------------------------------------------------------------


def test_unknown_stories_and_comments_are_rejected(run: Run, site: str) -> None:
    for words in (
        ("story", "close", "000000000000"),
        ("story", "open", "000000000000"),
        ("story", "notice", "000000000000", "Hello"),
        ("comment", "approve", "no-one"),
        ("comment", "remove", "no-one"),
        ("comment", "pin", "no-one"),
        ("comment", "unpin", "no-one"),
    ):
        sentence(run(*words))
    assert run("comment", "pending", site).out == ""


@pytest.mark.parametrize("notice", ["n" * 501, "two\nlines", "\x07"])
def test_a_notice_is_one_line(run: Run, site: str, notice: str) -> None:
    assert "notice" in sentence(run("story", "notice", "000000000000", notice))


async def test_moderators_work_next_to_a_running_server(
    new_server: Callable[..., ServerProcess],
) -> None:
    server: ServerProcess = await new_server().start()
    run_next_to(server, "site", "create", "press", "--name", "Press")
    run_next_to(server, "site", "set", "press", "moderation=pre")
    token = run_next_to(server, "token", "--site", "press", "--story", "one", "--origin", "*")
    story = code("press", "one")
    async with http_client(base_url=server.url) as http:
        action = {"type": "comment", "story": story, "token": token, "key": "a-key-of-mine"}
        answer = await http.post("/v1/actions", json=action | {"body": "please", "name": "Ana"})
        comment = answer.json()["comment"]
        assert comment["state"] == "pending"
        waiting = run_next_to(server, "comment", "pending", "press")
        assert waiting == f"{comment['id']}\t{story}\tnew\tAna\tplease"
        run_next_to(server, "comment", "approve", comment["id"])
        run_next_to(server, "comment", "pin", comment["id"])
        run_next_to(server, "story", "notice", story, "Be kind.")
        run_next_to(server, "story", "close", story)
        snapshot = (await http.get(f"/v1/stories/{story}")).json()
        assert (snapshot["story"]["closed"], snapshot["story"]["notice"]) == (True, "Be kind.")
        (thread,) = snapshot["comments"]["threads"]
        assert (thread["state"], thread["pinned"]) == ("published", True)
        run_next_to(server, "comment", "remove", comment["id"])
        run_next_to(server, "story", "open", story)
        run_next_to(server, "story", "notice", story, "")


# Databases and settings ---------------------------------------------------------------------------


def test_migrate_creates_the_tables_and_may_run_again(run: Run, data: Path) -> None:
    for _ in range(2):
        assert re.fullmatch(r"The database is at revision \d+\.", run("migrate").out)
    assert (data / "database.sqlite3").exists()


def test_a_lost_database_is_not_replaced(run: Run, site: str, data: Path) -> None:
    for path in data.glob("database.sqlite3*"):
        if path.suffix != ".made":
            path.unlink()
    for words in (("migrate",), ("site", "list"), ("serve",)):
        assert "is gone from" in sentence(run(*words))
    done = run("doctor")
    assert done.status == 2
    assert "is gone from" in done.out
    assert not (data / "database.sqlite3").exists()


def test_a_damaged_database_is_reported(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "database.sqlite3").write_bytes(b"no database at all " * 500)
    for words in (("migrate",), ("site", "list"), ("serve",)):
        assert "damaged" in sentence(run(*words))


def test_a_data_folder_that_is_a_file_is_rejected(run: Run, data: Path) -> None:
    data.write_text("a file")
    sentence(run("serve"))
    sentence(run("migrate"))


def test_doctor_finds_nothing_wrong_before_the_first_start(run: Run) -> None:
    done = run("doctor")
    assert (done.status, "wrong" in done.out) == (0, False), done


def test_doctor_reports_what_is_wrong_with_each_part(
    run: Run, site: str, data: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setenv("PUBLIC_URL", "http://widgets.example")
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.delenv("SECRET_KEYS")
    assert "SECRET_KEYS" in sentence(run("doctor"))
    monkeypatch.setenv("SECRET_KEYS", SECRET)
    done = run("doctor")
    assert done.status == 2
    wrong = [line.split()[1] for line in done.out.splitlines() if line.startswith("wrong")]
    assert wrong == ["database", "bus", "address"], done.out
    assert "widget-server migrate" in done.out
    run("migrate")
    assert "PostgreSQL, revision" in run("doctor").out


def test_a_postgresql_database_is_migrated_only_by_migrate(
    run: Run, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert "widget-server migrate" in sentence(run("serve"))
    assert "widget-server migrate" in sentence(run("site", "list"))
    assert run("migrate").status == 0
    assert run("site", "list").status == 0


@pytest.mark.parametrize("words", [(), ("site",), ("story",), ("comment",)])
def test_without_a_command_help_is_shown(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert "Usage:" in done.out + done.err


def test_a_process_loads_only_what_its_command_needs() -> None:
    program = (
        "import sys, widget_server.cli.main; print(*sys.modules);"
        "import widget_server.cli.serve; print(*sys.modules)"
    )
    said = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    command, parent = (set(line.split()) for line in said.splitlines())
    assert not command & {"asyncio", "pydantic", "sqlalchemy", "uvicorn", "rich"}
    assert not parent & {"uvicorn", "starlette", "redis", "jinja2"}
    assert {"sqlalchemy", "widget_server.server.supervisor"} <= parent


@pytest.mark.parametrize("words", [("fly",), ("serve", "--wings"), ("token",), ("site", "create")])
def test_an_unknown_command_exits_with_status_2(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.status == 2
    assert "Error" in done.err


# As processes -------------------------------------------------------------------------------------


def start(data: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    """Start a command as an operator does."""
    shell = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.Popen(
        [sys.executable, "-m", "widget_server", *words],
        env={**shell, "PYTHONPATH": str(ROOT), "DATA_DIR": str(data), **env},
        cwd=data.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def wait_for_exit(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out.strip(), err.strip())


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (("serve",), {"PORT": "http"}, "PORT: "),
        (("serve", "--port", "99999"), {}, "PORT: "),
        (("serve",), {"DATABASE_URL": "postgres://h/d"}, "SECRET_KEYS: "),
        (("serve",), {"DATABASE_URL": "mysql://h/d"}, "DATABASE_URL: "),
        (("serve",), {"RATE_LIMITS": "fast"}, "RATE_LIMITS: "),
        (("serve",), {"DATA_DIR": "/dev/null/data"}, "/dev/null"),
        (("doctor",), {"PUBLIC_URL": "widgets.example"}, "PUBLIC_URL: "),
    ],
)
def test_bad_settings_end_a_process_with_one_sentence(
    data: Path, words: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    assert said in sentence(wait_for_exit(start(data, *words, **env)))


def test_a_port_in_use_is_reported_and_no_process_stays(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "in use" in sentence(
            wait_for_exit(start(data, "serve", "--port", port, LOG_LEVEL="error"))
        )


def test_an_unknown_host_is_reported(data: Path) -> None:
    done = wait_for_exit(start(data, "serve", "--host", "no such host.invalid", LOG_LEVEL="error"))
    sentence(done)


def test_a_data_folder_and_a_port_serve_one_server(data: Path) -> None:
    port = free_port()
    first = start(data, "serve", "--port", str(port), LOG_LEVEL="error")
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "it is ready", 30)
        second = wait_for_exit(start(data, "serve", "--port", str(free_port()), LOG_LEVEL="error"))
        assert str(data) in sentence(second)
        # Two servers on one port would send readers to one discussion or the other by chance.
        other = data.with_name("other")
        third = wait_for_exit(start(other, "serve", "--port", str(port), LOG_LEVEL="error"))
        assert "in use" in sentence(third)
    finally:
        first.send_signal(signal.SIGTERM)
        done = wait_for_exit(first)
    assert done.status == 0
    assert "Traceback" not in done.err


def test_a_server_of_one_process_exits_with_status_0_after_a_signal(data: Path) -> None:
    """systemd and container platforms take another status than 0 for a crash."""
    # With REDIS_URL set, one process is parent and worker. Nothing listens at this address.
    env = {"REDIS_URL": "unix:///nowhere/valkey.sock", "SECRET_KEYS": SECRET, "LOG_LEVEL": "error"}
    ports = {signum: free_port() for signum in (signal.SIGTERM, signal.SIGINT)}
    servers = {
        signum: start(data.with_name(signum.name), "serve", "--port", str(port), **env)
        for signum, port in ports.items()
    }
    for signum, port in ports.items():
        wait_until(partial(answers, f"http://127.0.0.1:{port}/readyz"), "it is ready", 30)
        servers[signum].send_signal(signum)
    for server in servers.values():
        done = wait_for_exit(server)
        assert (done.status, done.err) == (0, "")


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, trust_env=False, verify=NO_TLS).status_code == 200
    return False


def test_settings_of_the_environment_reach_the_workers(data: Path) -> None:
    port = free_port()
    env = {"PORT": str(port), "WEB_CONCURRENCY": "2", "LOG_LEVEL": "error", "SECRET_KEYS": SECRET}
    server = start(data, "serve", **env)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "it is ready", 30)
        snippet = wait_for_exit(start(data, "site", "create", "press", "--name", "P", **env))
        assert snippet.status == 0, snippet
        token = wait_for_exit(start(data, *TOKEN, "--origin", "*", **env)).out
        action = {"type": "react", "story": code("press", "2026/ferry"), "reaction": "happy"}
        for _ in range(4):
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/actions",
                json=action | {"token": token},
                trust_env=False,
            )
            assert answer.status_code == 200, answer.text
        # SECRET_KEYS is set, so no secret is created.
        assert not (data / "secret").exists()
    finally:
        server.send_signal(signal.SIGTERM)
        wait_for_exit(server)


# Rate limits --------------------------------------------------------------------------------------


async def test_too_many_actions_are_rejected_with_a_retry_time(
    new_server: Callable[..., ServerProcess],
) -> None:
    limits = "action=11/600,comment=4/600,report=1/600,new_reader=3/600"
    server: ServerProcess = await new_server(RATE_LIMITS=limits).start()
    run_next_to(server, "site", "create", "press", "--name", "Press")
    run_next_to(
        server, "site", "set", "press", "rate_limit_react=2/600", "rate_limit_comment=2/600"
    )
    token = run_next_to(server, "token", "--site", "press", "--story", "one", "--origin", "*")
    about = {"story": code("press", "one"), "token": token}
    async with http_client(base_url=server.url) as http:

        async def do(kind: str, **fields: object) -> httpx.Response:
            return await http.post("/v1/actions", json={"type": kind, **about, **fields})

        async def say(number: int, **fields: object) -> httpx.Response:
            return await do("comment", key=f"key-number-{number}", body="hello", **fields)

        def too_fast(answer: httpx.Response) -> None:
            assert answer.status_code == 429, answer.text
            content = json.loads(answer.text)
            assert content["code"] == "rate_limited"
            assert 0 < content["retry_after"] <= 600
            assert int(answer.headers["retry-after"]) == round(content["retry_after"])

        # The site sets the rate limit of each reader; readers do not share it.
        reader = (await do("react", reaction="happy")).json()["reader"]
        assert (await do("react", reaction="sad", reader=reader)).status_code == 200
        too_fast(await do("react", reaction="happy", reader=reader))
        other = (await do("react", reaction="happy")).json()["reader"]
        assert [(await say(n, reader=reader)).status_code for n in range(2)] == [200, 200]
        too_fast(await say(2, reader=reader))
        # The operator sets the rate limits of a network: comments, new readers, then all actions.
        assert (await say(3, reader=other)).status_code == 200
        too_fast(await say(4, reader=other))
        assert (await do("react", reaction="sad")).status_code == 200
        too_fast(await do("react", reaction="sad"))
        too_fast(await do("react", reaction=None, reader=other))
        # Reading is not counted.
        assert (await http.get(f"/v1/stories/{about['story']}")).status_code == 200


# Files, clocks and restores ----------------------------------------------------------------------


def modes(folder: Path) -> dict[str, int]:
    """Return the modes of all files and folders in a folder, except sockets."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
        if not path.is_socket()
    }


async def test_files_of_the_server_are_private_with_any_umask(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "beside" / "data"
    server = ServerProcess(tmp_path / "beside", {"DATA_DIR": str(folder)})
    request.node.stash.setdefault(SERVERS, []).append(server)
    before = os.umask(0)
    try:
        server.cli("site", "create", "press", "--name", "Press")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        server.data_dir = folder
        await server.start()
        backup = tmp_path / "beside" / "b.sqlite3"
        server.cli("backup", str(backup))
        found = modes(folder)
        assert {"database.sqlite3", "database.sqlite3-wal", "valkey.log", "secret"} <= set(found)
        assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    finally:
        os.umask(before)
        await server.kill()


def test_readable_files_are_made_private_and_an_open_folder_is_reported(
    run: Run, site: str, data: Path
) -> None:
    data.chmod(0o755)
    (data / "valkey.log").touch(0o644)
    for path in (data / "database.sqlite3", data / "valkey.log"):
        path.chmod(0o644)
    done = run("doctor")
    assert done.status == 2
    assert "Others can read valkey.log, database.sqlite3." in done.out
    assert run("site", "list").status == 0
    assert {name for name, mode in modes(data).items() if mode & 0o077} == set()
    done = run("doctor")
    assert (done.status, "chmod 700" in done.out) == (0, True)
    data.chmod(0o777)
    assert "Others can write" in run("doctor").out
    data.chmod(0o700)
    assert "closed to others" in run("doctor").out


def test_doctor_reports_a_clock_behind_the_newest_row(run: Run, site: str, data: Path) -> None:
    token = ("token", "--site", "press", "--story", "one", "--origin", "*", "--snippet")
    assert run(*token).status == 0
    assert "Not behind the newest row" in run("doctor").out
    ahead = int(time.time() * 1000) + 3_600_000
    with closing(sqlite3.connect(data / "database.sqlite3")) as database:
        database.execute(
            "INSERT INTO copies (story, jti, origin, first_seen, last_seen) VALUES (1, 'j', 'o', ?, ?)",
            (ahead, ahead),
        )
        database.commit()
    done = run("doctor")
    assert done.status == 2
    assert re.search(r"It is 3,[56]\d\d s behind the newest row\. Set it by NTP", done.out)


def test_doctor_reports_a_database_without_its_epoch(run: Run, site: str, data: Path) -> None:
    with closing(sqlite3.connect(data / "database.sqlite3")) as database:
        database.execute("DELETE FROM meta WHERE key = 'epoch'")
        database.commit()
    done = run("doctor")
    assert (done.status, "lost its epoch" in done.out) == (2, True)
    assert "lost its epoch" in sentence(run("site", "list"))


def test_doctor_checks_the_origin_of_the_servers_own_pages(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://Widgets.Example:443/")
    said = run("doctor").out
    assert "https://widgets.example; actions from the server's own pages are accepted." in said
    monkeypatch.setenv("PUBLIC_URL", "http://localhost.widgets.example")
    assert "PUBLIC_URL is not https" in run("doctor").out


async def test_text_of_readers_cannot_control_a_terminal(
    new_server: Callable[..., ServerProcess],
) -> None:
    server: ServerProcess = await new_server().start()
    run_next_to(server, "site", "create", "press", "--name", "Press")
    run_next_to(server, "site", "set", "press", "moderation=pre")
    token = run_next_to(server, "token", "--site", "press", "--story", "one", "--origin", "*")
    async with http_client(base_url=server.url) as http:
        action = {"type": "comment", "story": code("press", "one"), "token": token}
        body = (
            "fine \u202egnihtyna\u202c \u2066x\u2069 \ufeff\U000e0041 \U0001f469\u200d\U0001f680 ok"
        )
        answer = await http.post(
            "/v1/actions", json=action | {"body": body, "key": "a-key-of-mine"}
        )
        assert answer.status_code == 200, answer.text
    (line,) = run_next_to(server, "comment", "pending", "press").splitlines()
    assert line.split("\t")[-1] == (
        "fine \\u202egnihtyna\\u202c \\u2066x\\u2069 \\ufeff\\U000e0041 \U0001f469\u200d\U0001f680 ok"
    )
    assert escaped("a\x1b[2J\x9b\u2028\u061c\ud800 é ß 字") == (
        "a\\u001b[2J\\u009b\\u2028\\u061c\\ud800 é ß 字"
    )


def test_a_restore_prints_what_it_kept_and_what_it_cannot_tell(
    run: Run, site: str, data: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "b.sqlite3")
    assert run("backup", file).status == 0
    assert "recorded nothing erased or withdrawn after" in run("restore", file).out
    assert run("site", "revoke", "press", "bad").status == 0
    assert run("site", "rotate-key", "press").status == 0
    assert run("site", "retire-keys", "press").status == 0
    done = run("restore", file)
    assert done.status == 0
    assert "stays so: sites with newer keys (1), withdrawn tokens (1)." in done.out
    assert "rules of sites" in done.out
    assert run("site", "key", "press").out.startswith("generation 2,")
    assert "empty" not in done.out


def test_a_lost_database_is_restored_with_a_warning(
    run: Run, site: str, data: Path, tmp_path: Path
) -> None:
    file, bad = tmp_path / "b.sqlite3", tmp_path / "bad"
    assert run("backup", str(file)).status == 0
    for name in ("database.sqlite3", "database.sqlite3-wal", "database.sqlite3-shm"):
        (data / name).unlink(missing_ok=True)
    bad.write_bytes(file.read_bytes()[:9_000])
    sentence(run("restore", str(bad)))
    # A bad backup does not lift the marker that prevents an empty database.
    assert "is gone from" in sentence(run("site", "list"))
    done = run("restore", str(file))
    assert (done.status, "is active again: repeat it" in done.out) == (0, True), done
    assert "press" in run("site", "list").out
