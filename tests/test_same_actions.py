"""What the dashboard can do, the owner API and the command line can do as well, and the other way round.

The table is compared with the dashboard's routes, the API's operations and the commands. An action
that one of the three gets is added to the others, or the table says why it is not there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from typer.main import get_command

from tests.operations.operations_harness import open_server
from widget_server.auth.permissions import permits
from widget_server.cli import main as cli
from widget_server.cli.main import COMMANDS, HIDDEN
from widget_server.protocol.owner_operations import OWNER_OPERATIONS
from widget_server.web.dashboard.application import SITE, create_dashboard

PERSON = "of one person: only a person who is signed in does it for themselves"
PEOPLE = "no key has the verb: it is about personal data, or done in a person's name"
PAGE = "how a page shows it; the commands and the API take names and ids"
SERVER = "about the whole server; a key belongs to one site"
SECRET = "a signing key is shown to a person only, after they proved again who they are"
SHELL = "about the machine: the dashboard has no right to it"

Where = tuple[str, str]
"""The operation of the API and the command, each a name or one of the reasons above."""

CHANGES: dict[str, Where] = {
    "/stories/{code}/settings": ("change_story", "story set"),
    "/stories/{code}/notice": ("change_story", "story notice"),
    "/stories/{code}/corrections": ("correct_story", "story correct"),
    "/stories/{code}/close": ("close_story", "story close"),
    "/stories/{code}/open": ("open_story", "story open"),
    "/stories/{code}/closing": ("change_story", "story close"),
    "/comments/decide": ("decide", "comment remove"),
    "/comments/{comment}/decide": ("decide", "comment approve"),
    "/comments/{comment}/erase": (PEOPLE, "comment erase"),
    "/comments/{comment}/answer": (PEOPLE, "comment answer"),
    "/comments/{comment}/ban": ("ban", "reader ban"),
    "/bans/lift": ("unban", "reader unban"),
    "/undo": ("undo_decision", "undo"),
    "/log/take-back": ("undo_decision", "undo"),
    "/log/export-full": (PEOPLE, "log export"),
    "/log/verify": ("verify_log", "log verify"),
    "/snippet": ("mint_token", "token"),
    "/copies/{copy}/revoke": ("revoke_copy", "copy revoke"),
    "/copies/{copy}/give-back": ("readmit_copy", "copy give-back"),
    "/stories/{code}/hide": ("hide_on_copy", "copy hide"),
    "/stories/{code}/show": ("show_on_copy", "copy show"),
    "/stories/{code}/wait": ("let_copy_wait", "copy wait"),
    "/copies/{copy}/agree": ("agree_with_copy", "copy agree"),
    "/stories/{code}/text": ("put_story_text", "story text"),
    "/stories/{code}/translations": ("put_translation", "story translate"),
    "/copies/{copy}/look": ("look_at_copy", "copy look"),
    "/copies/{copy}/check": ("check_copy", "copy check"),
    "/stories/{code}/check": ("check_page", "copy check"),
    "/tokens": ("mint_token", "token"),
    "/tokens/revoke": ("revoke_token", "site revoke"),
    "/tokens/keys/rotate": ("rotate_signing_key", "site rotate-key"),
    "/tokens/keys/widget-key": (SECRET, "site key"),
    "/tokens/keys/retire": ("retire_signing_keys", "site retire-keys"),
    "/hints/{hint}/accept": ("accept_hint", "story accept-hint"),
    "/hints/{hint}/decline": ("decline_hint", "story decline-hint"),
    "/queue/take": ("take_cases", "queue take"),
    "/queue/give-back": ("give_back_cases", "queue give-back"),
    "/queue/selected": ("decide", "comment remove"),
    "/queue/take-back": ("take_back_case", "queue take-back"),
    "/comments/{comment}/hand-over": ("hand_over_case", "queue hand-over"),
    "/queue/watch": ("add_watch_list", "watch add"),
    "/queue/watch/{watch}/remove": ("remove_watch_list", "watch remove"),
    "/queue/second-look": (PEOPLE, "second-look answer"),
    "/queue/batch": ("start_batch", "batch start"),
    "/queue/batches/{batch}/undo": ("undo_batch", "batch undo"),
    "/rules": ("add_rule", "rule add"),
    "/rules/try": ("try_rule", "rule try"),
    "/rules/learned": ("change_learner", "learner"),
    "/rules/hours": ("change_site", "site set"),
    "/stories/{code}/hours": ("change_story", "story set"),
    "/rules/{rule}": ("change_rule", "rule change"),
    "/rules/{rule}/mode": ("change_rule", "rule on"),
    "/rules/{rule}/remove": ("remove_rule", "rule remove"),
    "/comments/{comment}/mute": ("mute_reporter", "reader mute"),
    "/mutes/lift": ("lift_report_mute", "reader unmute"),
    "/raids": ("switch_raid_on", "raid on"),
    "/raids/end": ("end_raid", "raid off"),
    "/settings/take-back": ("undo_decision", "undo"),
    "/settings/{section}": ("change_site", "site set"),
    "/settings/{section}/preview": ("change_site", PAGE),
    "/people/invite": ("invite", "people invite"),
    "/people/take-back": ("take_back_invitation", "people take-back"),
    "/people/{account}/role": ("change_member", "people role"),
    "/people/{account}/remove": ("remove_member", "people role"),
    "/keys": ("create_key", "key create"),
    "/keys/{key}/end": ("end_key", "key end"),
}
"""Each form of the dashboard under `/admin/sites/{site}`."""
PAGES: dict[str, Where] = {
    "": ("show_site", "site show"),
    "/home": ("show_site", "site show"),
    "/queue": ("list_cases", "comment pending"),
    "/queue/words/{comment}": ("show_comment", "comment show"),
    "/queue/watch": ("list_watch_lists", "watch list"),
    "/queue/tagged": ("list_comments", "comment list"),
    "/queue/second-look": (PEOPLE, "second-look next"),
    "/queue/batch": ("list_batches", "batch preview"),
    "/queue/batches/{batch}": ("show_batch", "batch show"),
    "/stories": ("list_stories", "story list"),
    "/stories/counts": ("list_stories", "story list"),
    "/stories/{code}": ("show_story", "story show"),
    "/stories/{code}/discussion.{format}": ("list_comments", "comment list"),
    "/stories/{code}/copies": ("list_copies", "copy list"),
    "/stories/{code}/count": ("show_story", "story show"),
    "/stories/{code}/threads/{comment}": ("list_comments", "comment list"),
    "/stories/{code}/corrections": ("list_corrections", "story corrections"),
    "/stories/{code}/text": ("show_story_text", "story text"),
    "/stories/{code}/translations": ("list_translations", "story translations"),
    "/stories/{code}/settings": ("show_story", "story show"),
    "/comments/{comment}": ("show_comment", "comment show"),
    "/bans": ("list_bans", "reader list"),
    "/raids": ("list_raids", "raid list"),
    "/log": ("read_log", "log list"),
    "/log/export-dsa": ("read_log", "log statements"),
    "/log/export": ("read_log", "log export"),
    "/snippet": ("mint_token", "token"),
    "/copies": ("list_copies", "copy list"),
    "/copies.csv": ("list_copies", "copy list"),
    "/tokens": ("list_tokens", "token list"),
    "/tokens/keys": ("list_signing_keys", "site show"),
    "/rules": ("list_rules", "rule list"),
    "/rules/new": ("add_rule", "rule add"),
    "/rules/learned": ("show_learner", "learner"),
    "/rules/hours": ("show_site", "site show"),
    "/stories/{code}/hours": ("show_story", "story show"),
    "/rules/{rule}": ("list_rule_hits", "rule hits"),
    "/settings": ("show_site", "site set"),
    "/settings/history": ("read_log", "log list"),
    "/settings/{section}": ("show_site", "site set"),
    "/numbers": ("read_numbers", "numbers"),
    "/numbers.csv": ("read_numbers", "numbers"),
    "/people": ("list_members", "people list"),
    "/people/invite": ("list_invitations", "people invitations"),
    "/people/{account}/role": ("list_members", "people list"),
    "/keys/new": ("list_keys", "key list"),
}
ELSEWHERE: dict[str, Where] = {
    "/admin/sign-in": (PERSON, PERSON),
    "/admin/sign-out": (PERSON, PERSON),
    "/admin/recover": (PERSON, "people reset"),
    "/admin/link/{secret}": (PERSON, PERSON),
    "/admin/welcome": (PERSON, "people invite"),
    "/admin/new-site": (SERVER, "site create"),
    "/admin/account/profile": (PERSON, PERSON),
    "/admin/account/keys": (PERSON, PERSON),
    "/admin/account/password": (PERSON, "people reset"),
    "/admin/account/passkeys": (PERSON, PERSON),
    "/admin/account/passkeys/remove": (PERSON, PERSON),
    "/admin/account/codes": (PERSON, PERSON),
    "/admin/account/sessions/end": (PERSON, PERSON),
    "/admin/account/sessions/end-others": (PERSON, "people reset"),
}
"""The dashboard's forms that belong to no site."""
API_ALONE: dict[str, str] = {
    "list_report_mutes": "/bans",
    "list_shut_out": "/copies",
    "shut_out": "/copies/{copy}/revoke",
    "readmit": "/copies/{copy}/give-back",
    "list_hidden": "/stories/{code}/show",
    "show_case": "/queue",
    "list_hints": "/queue",
    "decide_case": "/comments/{comment}/decide",
    "list_new": "/queue",
    "mark_seen": "/comments/{comment}/decide",
    "remove_story_text": "/stories/{code}/text",
    "remove_translation": "/stories/{code}/translations",
}
"""Operations that do a part of what a form of the dashboard does."""
COMMANDS_ALONE: dict[str, str] = {
    "reader muted": "/bans",
    "serve": SHELL,
    "demo": SHELL,
    "migrate": SHELL,
    "backup": SHELL,
    "restore": SHELL,
    "doctor": SHELL,
    "jobs list": SHELL,
    "site list": "/admin/sites",
    "site reaction-face": "/settings/{section}",
    "site shut-out": "/copies/{copy}/revoke",
    "site readmit": "/copies/{copy}/give-back",
    "site shut-outs": "/copies",
    "people disable": SERVER,
    "copy hidden": "/stories/{code}/show",
    "report list": "/queue",
    "queue counts": "/queue",
    "story hints": "/queue",
    "queue list": "/queue",
    "queue decide": "/comments/{comment}/decide",
    "second-look agreement": "/numbers",
    "queue new": "/queue",
    "queue seen": "/comments/{comment}/decide",
    "story untranslate": "/stories/{code}/translations",
    "case show": "/queue",
    "rule shadow": "/rules/{rule}/mode",
    "rule off": "/rules/{rule}/mode",
} | {
    f"comment {verb}": "/comments/{comment}/decide"
    for verb in (
        "reject",
        "restore",
        "hold",
        "spam",
        "pin",
        "unpin",
        "feature",
        "unfeature",
        "tag",
        "untag",
        "uphold",
    )
}
"""Commands that no row above names, with the place of the dashboard, or why it has none."""
REASONS = {PERSON, PEOPLE, PAGE, SERVER, SECRET, SHELL}


@pytest.fixture
async def routes(tmp_path: Path, migrated_sqlite_url: str) -> list[Route]:
    """Return the dashboard's routes."""
    async with open_server(tmp_path, migrated_sqlite_url) as server:
        app = create_dashboard(server.services)._app
        assert isinstance(app, Starlette)
        return [one for one in app.routes if isinstance(one, Route)]


def of_site(routes: list[Route], method: str) -> set[str]:
    return {
        one.path.removeprefix(SITE)
        for one in routes
        if one.path.startswith(SITE) and method in (one.methods or set())
    }


def commands() -> Iterator[str]:
    """Yield the names of all commands that `--help` lists."""
    program: Any = get_command(cli.app)
    for name, panel in COMMANDS.items():
        if panel == HIDDEN:
            continue
        command = program.get_command(None, name)
        inner = getattr(command, "commands", None)
        yield from (f"{name} {one}" for one in inner) if inner else [name]


def test_every_form_and_page_of_the_dashboard_has_its_row(routes: list[Route]) -> None:
    assert set(CHANGES) == of_site(routes, "POST")
    assert set(PAGES) == of_site(routes, "GET")
    others = {
        one.path
        for one in routes
        if not one.path.startswith(SITE) and "POST" in (one.methods or set())
    }
    assert set(ELSEWHERE) == others


def test_every_operation_of_the_api_is_a_form_or_page_of_the_dashboard() -> None:
    rows = [*CHANGES.values(), *PAGES.values(), *ELSEWHERE.values()]
    named = {api for api, _ in rows} - REASONS
    assert named | set(API_ALONE) == {one.name for one in OWNER_OPERATIONS}
    assert not named & set(API_ALONE)
    assert set(API_ALONE.values()) <= set(CHANGES) | set(PAGES)


def test_every_command_is_a_form_or_page_of_the_dashboard_or_says_why_not() -> None:
    rows = [*CHANGES.values(), *PAGES.values(), *ELSEWHERE.values()]
    named = {command for _, command in rows} - REASONS
    assert named | set(COMMANDS_ALONE) == set(commands())
    assert not named & set(COMMANDS_ALONE)
    places = set(COMMANDS_ALONE.values()) - REASONS - {"/admin/sites"}
    assert places <= set(CHANGES) | set(PAGES)


def test_what_the_api_leaves_out_no_key_may_do(routes: list[Route]) -> None:
    verbs = {
        one.path.removeprefix(SITE): getattr(one.endpoint, "verb", None)
        for one in routes
        if "POST" in (one.methods or set())
    }
    left_out = {path for path, (api, _) in CHANGES.items() if api == PEOPLE}
    assert left_out
    assert [path for path in left_out if permits("machine", str(verbs[path]))] == []


@pytest.mark.parametrize(
    "command",
    sorted({command for _, command in CHANGES.values()} - REASONS - {"token", "log export"}),
)
def test_every_command_that_does_what_a_form_does_answers_programs(command: str) -> None:
    program: Any = get_command(cli.app)
    name, _, inner = command.partition(" ")
    found = program.get_command(None, name)
    found = found.commands[inner] if inner else found
    options = {one for parameter in found.params for one in parameter.opts}
    assert "--as" in options or command == "log verify"
    assert "--json" in options
