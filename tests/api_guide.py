"""The table of operations in docs/users/api.md, made from the list: `python -m tests.api_guide` writes it."""

from pathlib import Path

from widget_server.protocol.owner_operations import OWNER_OPERATIONS

GUIDE = Path(__file__).parents[1] / "docs/users/api.md"
BEFORE = "Paths follow `/v1/sites/{site}`.\n\n"
AFTER = "\n\n## What a key can never do"


def table() -> str:
    """Return the table."""
    lines = ["| Request | Scope | |", "|---|---|---|"]
    for one in OWNER_OPERATIONS:
        scopes = ", ".join(f"`{verb}`" for verb in one.verbs) or "the verb in the body"
        lines.append(f"| `{one.method} {one.path or '/'}` | {scopes} | {one.summary} |")
    return "\n".join(lines)


def recipe(language: str) -> str:
    """Return the program in this language that mints a token by the API."""
    text = GUIDE.read_text("utf-8").split(f"\n```{language}\n", 1)[1]
    return text.split("\n```", 1)[0]


if __name__ == "__main__":
    head, rest = GUIDE.read_text("utf-8").split(BEFORE, 1)
    _, foot = rest.split(AFTER, 1)
    GUIDE.write_text(head + BEFORE + table() + AFTER + foot, "utf-8")
