"""The page docs/users/roles.md, made from the table of permissions: `python -m tests.roles_page` writes it."""

from pathlib import Path

from widget_server.auth.permissions import PERMISSIONS, SERVER_OWNER_VERBS
from widget_server.model.actors import ROLES

PAGE = Path(__file__).parents[1] / "docs/users/roles.md"
HEAD = """# Roles

A person has one role on a site. An owner of the server has the rights of an owner on every site.

| Role | Is for |
|---|---|
| owner | everything on the site, people and keys included |
| editor | stories, settings, tokens, and all that moderators do |
| moderator | comments and reports |
| auditor | reads log and numbers; sees no e-mail address, no removed text and no note |
| local | a moderator of named copies, who can only make them stricter |
| machine | the most that an API key can be given; each key has only the scopes that its maker chose |

A key can do no more than the owner who made it, and ends with its maker's account or role. A key with `invite`,
`role` or `key` never makes, changes or removes an owner, and cannot give these three to another key.

This table decides in the dashboard, on the command line and in the owner API. It is made from
`widget_server/auth/permissions.py`. The verbs are also the scopes of API keys.

"""


def render() -> str:
    """Return the page."""
    lines = ["| Verb | " + " | ".join(ROLES) + " |", "|---|" + "---|" * len(ROLES)]
    for verb, roles in PERMISSIONS.items():
        cells = ["yes" if role in roles else "–" for role in ROLES]
        lines.append(f"| `{verb}` | " + " | ".join(cells) + " |")
    server = ", ".join(f"`{verb}`" for verb in sorted(SERVER_OWNER_VERBS))
    foot = f"\nAbout the whole server, for its owners only: {server}.\n"
    return HEAD + "\n".join(lines) + "\n" + foot


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
