"""Commands with `--as`: an account may do what the table says for its role, on its own site only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commands import Done, Run
from tests.operations.operations_harness import PAGE, new_comment
from widget_server.auth.permissions import PERMISSIONS, permits
from widget_server.cli.context import with_services
from widget_server.model.actors import Role, shell
from widget_server.model.claims import WidgetClaims
from widget_server.model.decisions import COMMENT_VERBS, TAG_VERBS
from widget_server.operations.moderation import decide
from widget_server.operations.owners import links, sites
from widget_server.operations.readers import authorize, comment as comments, identify
from widget_server.operations.services import Services

ROLES: tuple[Role, ...] = ("owner", "editor", "moderator", "auditor", "local")
REFUSED = "Your role on this site does not permit this."
COMMANDS: dict[str, str] = {
    "read": "comment list press",
    "read_reports": "report list press",
    "read_log": "log list press",
    "read_copies": "copy list press",
    "read_rules": "rule list press",
    "rules": "rule add press --kind links",
    "read_people": "people list --site press",
    "undo": "undo {decision}",
    "ban": "reader ban {comment}",
    "unban": "reader unban {comment}",
    "mute": "reader mute {comment} 0123456789abcdef",
    "hand_over": "queue take-back press 1",
    "close": "story close {code}",
    "open": "story open {code}",
    "notice": "story notice {code} Hello",
    "correct": "story correct {code} Hello",
    "text": "story text {code} --remove",
    "translate": "story untranslate {code} de",
    "settings": "site set press name=required",
    "token": "token --site press --story x --origin *",
    "revoke": "site revoke press unseen",
    "hide": "copy hide press 1 {comment}",
    "show": "copy show press 1 {comment}",
    "approval": "copy wait press 1",
    "shut_out": "site shut-out press https://x.example",
    "rotate": "site rotate-key press",
    "retire": "site retire-keys press",
    "invite": "people invite --role auditor --site press",
    "key": "key create press --label x --scope read",
} | {
    verb: f"comment {verb} {{comment}}" + (" --tag urgent" if verb in TAG_VERBS else "")
    for verb in COMMENT_VERBS
}
"""A command for each verb. The verb alone decides whether the table permits it."""


@pytest.fixture
def names(run: Run, site: str, data: Path) -> dict[str, str]:
    """Return the names of a story, its comment and a decision, with an account for each role."""
    assert run("site", "create", "other", "--name", "Other").status == 0

    async def make(services: Services) -> dict[str, str]:
        by = shell("test")
        claims = WidgetClaims(site=site, story="s", origins=(PAGE,), iat=1, jti="handle")
        token = await sites.mint(services, by, claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=PAGE, page=f"{PAGE}/a"
        )
        author = identify.act(services, grant, None, "n", None)
        posted = await comments.post(services, grant, author, new_comment("my words"))
        pinned = await decide.decide(services, by, "pin", posted.id)
        for role in ROLES:
            copies = frozenset({1}) if role == "local" else None
            link = await links.invite(services, by, site, role, copies=copies)
            ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
            assert isinstance(ticket, str)
            await links.create_account(
                services, ticket, role, f"{role}@paper.example", "six boats on a ferry", agent=""
            )
        assert pinned.decision is not None
        return {"code": grant.story.code, "comment": posted.id, "decision": pinned.decision.id}

    return with_services(data, make)


def acting(run: Run, names: dict[str, str], role: Role) -> Callable[[str], Done]:
    def command(text: str) -> Done:
        return run(*text.format(**names).split(), "--as", role)

    return command


@pytest.mark.parametrize("role", ROLES)
def test_an_account_does_by_command_what_the_table_says(
    run: Run, names: dict[str, str], role: Role
) -> None:
    command = acting(run, names, role)
    for verb, text in COMMANDS.items():
        done = command(text)
        refused = REFUSED in done.out + done.err
        assert refused is not permits(role, verb), (verb, done)
        assert not refused or done.status != 0


def test_an_account_does_nothing_on_a_site_without_its_role(
    run: Run, names: dict[str, str]
) -> None:
    command = acting(run, names, "owner")
    for verb, text in COMMANDS.items():
        if " press" in text:
            done = command(text.replace(" press", " other"))
            assert done.status != 0, verb
            assert "has no role on the site “other”" in done.err, (verb, done)


def test_every_command_of_the_matrix_is_a_verb_of_the_table() -> None:
    assert set(COMMANDS) <= set(PERMISSIONS)
