"""Every route of the dashboard, with the verbs that it needs and a form that changes something."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import Route

from widget_server.model.decisions import COMMENT_VERBS, TAG_VERBS
from widget_server.operations.services import Services
from widget_server.web.dashboard.application import SITE, create_dashboard

Key = tuple[str, str]
"""Method and path, as the application has them."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a route: the verbs that it needs, what to send, and where.

    `names` in braces stand in `query` and in the values of `fields`, as the parts of the path do. The
    names of a `Desk` are in `Places`.
    """

    verbs: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    comment: str = "comment"
    """Name of the comment that it is about."""
    copy: str = "copy"
    """Name of the copy that it is about."""
    hint: str = "hint"
    """Name of the error report that it is about."""
    changes: bool = True
    """Whether the form changes a row of the database."""


def _read(verb: str, *more: str, **options: Any) -> tuple[Use, ...]:
    return (Use((verb, *more), changes=False, **options),)


OF_SITE: dict[Key, tuple[Use, ...]] = {
    ("GET", SITE): _read("read"),
    ("GET", f"{SITE}/home"): _read("read"),
    ("GET", f"{SITE}/queue"): (
        *_read("read"),
        *_read("read", "read_reports", query="queue=reported"),
        *_read("read", "uphold", query="queue=appeals"),
        *_read("read", "correct", query="queue=corrections"),
    ),
    ("POST", f"{SITE}/queue/take"): (Use(("read", "hold"), {"n": "2"}),),
    # All that the person has, and nothing that another person has.
    ("POST", f"{SITE}/queue/give-back"): (Use(("read", "hold")),),
    ("POST", f"{SITE}/queue/selected"): (
        Use(("read", "remove"), {"verb": "remove", "case": "{case_ticked}"}),
    ),
    ("POST", f"{SITE}/hints/{{hint}}/accept"): (
        Use(("correct",), {"kind": "correction", "text": "It was built in 1961."}),
    ),
    ("POST", f"{SITE}/hints/{{hint}}/decline"): (Use(("correct",), hint="to_decline"),),
    ("GET", f"{SITE}/queue/words/{{comment}}"): _read("read"),
    ("GET", f"{SITE}/queue/watch"): _read("read"),
    # Not for a local moderator, whose role may read.
    ("GET", f"{SITE}/queue/tagged"): _read("read", "read_log", query="tag=urgent"),
    ("POST", f"{SITE}/queue/watch"): (
        Use(("watch", "read"), {"name": "Today", "newer_than": "24"}),
    ),
    ("POST", f"{SITE}/queue/watch/{{watch}}/remove"): (Use(("watch",)),),
    ("GET", f"{SITE}/queue/second-look"): _read("second_look", "read_kept_text", "read_numbers"),
    ("POST", f"{SITE}/queue/second-look"): (
        Use(("second_look",), {"look": "{look}", "stays": "1"}),
    ),
    ("GET", f"{SITE}/queue/batch"): _read("read_log", "remove"),
    ("POST", f"{SITE}/queue/batch"): (
        Use(("read_log", "remove"), {"verb": "remove", "phrase": "words of searched"}),
    ),
    ("GET", f"{SITE}/queue/batches/{{batch}}"): _read("read_log"),
    ("POST", f"{SITE}/queue/batches/{{batch}}/undo"): (Use(("undo", "read_log", "spam")),),
    ("GET", f"{SITE}/stories"): _read("read"),
    ("GET", f"{SITE}/stories/counts"): _read("read", query="code={code}"),
    ("GET", f"{SITE}/stories/{{code}}"): _read("read"),
    ("GET", f"{SITE}/stories/{{code}}/discussion.{{format}}"): _read("export_public"),
    ("GET", f"{SITE}/stories/{{code}}/copies"): _read("read_copies"),
    ("GET", f"{SITE}/stories/{{code}}/count"): _read("read"),
    ("GET", f"{SITE}/stories/{{code}}/threads/{{comment}}"): _read("read"),
    ("GET", f"{SITE}/stories/{{code}}/text"): _read("read"),
    ("POST", f"{SITE}/stories/{{code}}/text"): (
        Use(("read", "text"), {"text": "<p>Words.</p>", "format": "html"}),
    ),
    ("GET", f"{SITE}/stories/{{code}}/translations"): _read("read"),
    ("POST", f"{SITE}/stories/{{code}}/translations"): (
        Use(
            ("read", "translate"),
            {"language": "de", "title": "Ein Titel", "url": "https://paper.example/de"},
        ),
    ),
    ("GET", f"{SITE}/stories/{{code}}/corrections"): _read("read"),
    ("POST", f"{SITE}/stories/{{code}}/corrections"): (
        Use(("read", "correct"), {"text": "It was 1961.", "kind": "correction"}),
    ),
    ("GET", f"{SITE}/stories/{{code}}/settings"): _read("read_settings"),
    ("GET", f"{SITE}/stories/{{code}}/hours"): _read("read_settings"),
    ("POST", f"{SITE}/stories/{{code}}/hours"): (
        Use(("story_settings", "read_settings"), {"use": "always"}),
    ),
    ("POST", f"{SITE}/stories/{{code}}/settings"): (
        Use(("story_settings", "read_settings"), {"moderation": "pre"}),
    ),
    ("POST", f"{SITE}/stories/{{code}}/notice"): (
        Use(("notice", "read_log"), {"notice": "Be kind."}),
    ),
    ("POST", f"{SITE}/stories/{{code}}/close"): (Use(("close", "read_log")),),
    ("POST", f"{SITE}/stories/{{code}}/open"): (Use(("open", "read_log")),),
    ("POST", f"{SITE}/stories/{{code}}/closing"): (
        Use(("close", "read_log"), {"closes": "days", "days": "3"}),
    ),
    ("POST", f"{SITE}/stories/{{code}}/hide"): (
        Use(("hide",), {"copy": "{copy}", "comment": "{comment}"}),
    ),
    ("POST", f"{SITE}/stories/{{code}}/wait"): (Use(("approval",), {"copy": "{copy}", "on": "1"}),),
    ("POST", f"{SITE}/stories/{{code}}/show"): (
        Use(("show",), {"copy": "{copy}", "comment": "{hidden}"}),
    ),
    ("GET", f"{SITE}/comments/{{comment}}"): _read("read"),
    ("POST", f"{SITE}/comments/decide"): (
        Use(("read", "remove"), {"verb": "remove", "target": "{ticked}.1"}),
    ),
    ("POST", f"{SITE}/comments/{{comment}}/decide"): tuple(
        Use(
            ("read", verb),
            {"verb": verb} | ({verb: "urgent"} if verb in TAG_VERBS else {}),
            comment=f"to_{verb}",
            # It is published, so it is approved already.
            changes=verb != "approve",
        )
        for verb in COMMENT_VERBS
        if verb != "erase"
    ),
    ("POST", f"{SITE}/comments/{{comment}}/erase"): (Use(("erase", "read"), comment="to_erase"),),
    ("POST", f"{SITE}/comments/{{comment}}/answer"): (
        Use(("answer", "read"), {"body": "An answer.", "key": "a-key-of-a-form"}),
    ),
    ("GET", f"{SITE}/bans"): _read("read_reports"),
    ("GET", f"{SITE}/raids"): _read("read_rules"),
    ("POST", f"{SITE}/raids"): (Use(("raid", "read_rules"), {"hours": "1", "story": ""}),),
    ("POST", f"{SITE}/raids/end"): (Use(("raid",), {"raid": "{raid}"}),),
    ("POST", f"{SITE}/comments/{{comment}}/ban"): (
        Use(("ban", "read"), {"mode": "read", "length": "24"}, comment="to_ban"),
    ),
    ("POST", f"{SITE}/bans/lift"): (Use(("unban",), {"ban": "{ban}"}),),
    ("POST", f"{SITE}/comments/{{comment}}/mute"): (
        Use(("mute", "read"), {"report": "{report}", "length": "24"}, comment="to_mute"),
    ),
    ("POST", f"{SITE}/comments/{{comment}}/hand-over"): (
        Use(("hand_over", "read"), {"case": "{handed}", "to": "{receiver}"}, comment="of_handed"),
    ),
    ("POST", f"{SITE}/queue/take-back"): (Use(("hand_over",), {"case": "{handed}"}),),
    ("POST", f"{SITE}/mutes/lift"): (Use(("mute",), {"mute": "{mute}"}),),
    ("POST", f"{SITE}/undo"): (Use(("undo", "pin"), {"decision": "{decision}"}),),
    ("GET", f"{SITE}/log"): _read("read_log"),
    ("GET", f"{SITE}/log/export"): _read("export_public"),
    ("GET", f"{SITE}/log/export-dsa"): _read("export_public"),
    ("POST", f"{SITE}/log/export-full"): _read("export_full"),
    ("POST", f"{SITE}/log/verify"): _read("read_log"),
    ("POST", f"{SITE}/log/take-back"): (Use(("undo", "settings"), {"decision": "{changed_rule}"}),),
    ("GET", f"{SITE}/snippet"): _read("token"),
    ("POST", f"{SITE}/snippet"): (
        Use(("token",), {"url": "https://paper.example/new", "title": "New", "author": "Ana"}),
    ),
    ("GET", f"{SITE}/copies"): _read("read_copies"),
    ("GET", f"{SITE}/copies.csv"): _read("export_public"),
    ("POST", f"{SITE}/copies/{{copy}}/look"): (Use(("read_copies",)),),
    # No test asks a stranger's server: the address is refused, and the page says so.
    ("POST", f"{SITE}/copies/{{copy}}/check"): _read("read_copies"),
    ("POST", f"{SITE}/stories/{{code}}/check"): (
        Use(("read_copies",), {"page": "https://127.0.0.1/"}, changes=False),
    ),
    ("POST", f"{SITE}/copies/{{copy}}/agree"): (
        Use(("agree", "read_copies"), {"agreed": "1"}, copy="own_copy"),
    ),
    ("POST", f"{SITE}/copies/{{copy}}/revoke"): (
        Use(("revoke",)),
        Use(("revoke", "shut_out"), {"shut_out": "site"}),
    ),
    ("POST", f"{SITE}/copies/{{copy}}/give-back"): (Use(("revoke", "shut_out")),),
    ("GET", f"{SITE}/tokens"): _read("read_tokens"),
    ("POST", f"{SITE}/tokens"): (
        Use(
            ("token", "read_tokens"),
            {"story": "forged", "title": "New", "can": "read", "licence": "CC-BY-4.0"},
        ),
    ),
    ("POST", f"{SITE}/tokens/revoke"): (Use(("revoke",), {"jti": "unseen"}),),
    ("GET", f"{SITE}/tokens/keys"): _read("read_tokens"),
    ("POST", f"{SITE}/tokens/keys/rotate"): (Use(("rotate",)),),
    ("POST", f"{SITE}/tokens/keys/widget-key"): (Use(("rotate", "read_tokens"), changes=False),),
    # Retires nothing without the numbers that the page named.
    ("POST", f"{SITE}/tokens/keys/retire"): (
        Use(("retire", "read_tokens"), {"know": "1", "seen": "1.0.0"}, changes=False),
    ),
    ("GET", f"{SITE}/rules"): _read("read_rules"),
    ("GET", f"{SITE}/rules/new"): _read("rules", "read_rules"),
    ("GET", f"{SITE}/rules/learned"): _read("read_rules"),
    ("GET", f"{SITE}/rules/hours"): _read("read_settings"),
    ("GET", f"{SITE}/rules/{{rule}}"): _read("read_rules"),
    ("POST", f"{SITE}/rules"): (
        Use(("rules",), {"name": "New writers", "kind": "first", "limit": "2"}),
    ),
    ("POST", f"{SITE}/rules/try"): (
        Use(("rules", "read_rules"), {"name": "Links", "kind": "links"}, changes=False),
    ),
    ("POST", f"{SITE}/rules/learned"): (Use(("rules",), {"mode": "shadow"}),),
    ("POST", f"{SITE}/rules/hours"): (
        Use(("settings", "read_settings"), {"use": "own", "zone": "UTC", "otherwise": "open"}),
    ),
    ("POST", f"{SITE}/rules/{{rule}}"): (
        Use(("rules", "read_rules"), {"name": "Fewer links", "kind": "links", "limit": "2"}),
    ),
    ("POST", f"{SITE}/rules/{{rule}}/mode"): (Use(("rules", "read_rules"), {"mode": "off"}),),
    ("POST", f"{SITE}/rules/{{rule}}/remove"): (Use(("rules", "read_rules")),),
    ("GET", f"{SITE}/settings"): _read("read_settings"),
    ("GET", f"{SITE}/settings/history"): _read("read_settings", "read_log"),
    ("POST", f"{SITE}/settings/take-back"): (
        Use(("settings", "undo"), {"decision": "{changed_settings}"}),
    ),
    ("GET", f"{SITE}/settings/{{section}}"): _read("read_settings"),
    ("POST", f"{SITE}/settings/{{section}}"): (
        Use(("settings", "read_settings"), {"accent": "#0c8577", "density": "1"}),
    ),
    ("POST", f"{SITE}/settings/{{section}}/preview"): (
        Use(("settings", "read_settings"), {"accent": "#0c8577"}, changes=False),
    ),
    ("GET", f"{SITE}/numbers"): _read("read_numbers"),
    ("GET", f"{SITE}/numbers.csv"): _read("export_public", "read_numbers"),
    ("GET", f"{SITE}/people"): _read("read_people"),
    ("GET", f"{SITE}/people/invite"): _read("invite"),
    ("POST", f"{SITE}/people/invite"): (Use(("invite", "read_people"), {"role": "auditor"}),),
    ("POST", f"{SITE}/people/take-back"): (Use(("invite",), {"link": "{link}"}),),
    ("GET", f"{SITE}/people/{{account}}/role"): _read("role", "read_people"),
    ("POST", f"{SITE}/people/{{account}}/role"): (Use(("role",), {"role": "editor"}),),
    ("POST", f"{SITE}/people/{{account}}/remove"): (Use(("role",)),),
    ("GET", f"{SITE}/keys/new"): _read("key"),
    ("POST", f"{SITE}/keys"): (
        Use(("key", "read_people"), {"label": "A program", "scope": "read", "days": "30"}),
    ),
    ("POST", f"{SITE}/keys/{{key}}/end"): (Use(("key",)),),
}
"""Routes of a site, in an order in which no use spoils the next one."""

OF_ACCOUNT: dict[Key, Use] = {
    ("GET", "/admin"): Use((), changes=False),
    ("GET", "/admin/sites"): Use((), changes=False),
    ("GET", "/admin/account"): Use((), changes=False),
    ("POST", "/admin/account/keys"): Use((), {"approve": "KeyY", "on": "1"}),
    ("POST", "/admin/account/profile"): Use((), {"name": "Forged", "email": "forged@x.example"}),
    # Before the password, which ends all other sessions.
    ("POST", "/admin/account/sessions/end"): Use((), {"session": "{session}"}),
    ("POST", "/admin/account/sessions/end-others"): Use(()),
    ("POST", "/admin/account/password"): Use((), {"new_password": "seven boats on a ferry"}),
    ("GET", "/admin/account/passkeys"): Use((), changes=False),
    ("POST", "/admin/account/passkeys"): Use((), {"answer": "{}"}, changes=False),
    ("POST", "/admin/account/passkeys/remove"): Use((), {"passkey": "none"}, changes=False),
    ("POST", "/admin/account/codes"): Use(()),
    ("POST", "/admin/sign-out"): Use(()),
}
"""Routes about the person who is signed in, whatever their role."""

OF_SERVER: dict[Key, Use] = {
    ("GET", "/admin/new-site"): Use(("create_site",), changes=False),
    ("POST", "/admin/new-site"): Use(("create_site",), {"slug": "forged", "name": "Forged"}),
}
"""Routes about the whole server."""

WITHOUT_SESSION: dict[Key, Use] = {
    ("GET", "/"): Use((), changes=False),
    ("GET", "/admin/static/{hash}/{file}"): Use((), changes=False),
    ("GET", "/admin/sign-in"): Use((), changes=False),
    ("POST", "/admin/sign-in"): Use((), {"email": "{email}", "password": "{password}"}),
    ("GET", "/admin/recover"): Use((), changes=False),
    ("POST", "/admin/recover"): Use((), {"email": "{email}", "code": "{code_of_recovery}"}),
    ("GET", "/admin/link/{secret}"): Use((), changes=False),
    ("POST", "/admin/link/{secret}"): Use(()),
    ("GET", "/admin/welcome"): Use((), changes=False),
    ("POST", "/admin/welcome"): Use(
        (), {"name": "Forged", "email": "new@x.example", "password": "seven boats on a ferry"}
    ),
}
"""Routes for people who are not signed in."""


def routes_of(services: Services) -> list[Key]:
    """Return method and path of every route of the application, without HEAD."""
    app: Any = create_dashboard(services)
    found: list[Key] = []
    for route in app._app.routes:
        assert isinstance(route, Route), route
        found += [(one, route.path) for one in sorted(route.methods or ()) if one != "HEAD"]
    return found


def address(use: Use, path: str, names: Mapping[str, Any], site: str = "paper") -> str:
    """Return the address of a use, with these names."""
    filled = dict(names) | {"site": site, "comment": names.get(use.comment, "none")}
    filled["copy"] = names.get(use.copy, "none")
    filled["hint"] = names.get(use.hint, "none")
    query = use.query.format(**filled)
    return path.format(**filled) + (f"?{query}" if query else "")


def form(use: Use, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a use, with these names."""
    return {
        name: value.format(**names) if value != "{}" else value
        for name, value in use.fields.items()
    }
