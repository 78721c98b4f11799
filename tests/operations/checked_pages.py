"""Twelve pages with known faults, and one without: what the page checker must find on each, and nothing else."""

from dataclasses import dataclass, field

from tests.e2e.publisher import Story

TITLE, AUTHOR, PRESS = "The boats of Olhão", "Ines Falk", "Harbour Press"
ORIGINAL = "https://press.example/boats"
FIRST_TEXT = """## The boats

Forty-one boats left the harbour before dawn on Monday.

The mayor said that 4.5 % of the fleet is out of work.

Nets are mended by hand, as they were a century ago."""
TEXT = FIRST_TEXT.replace("Forty-one boats", "Thirty-eight boats")
GOOD = {
    "credit_good", "licence_good", "canonical_good", "snippet_good", "script_good", "token_good",
    "policy_good", "text_same",
}  # fmt: skip
BODY = """<h2>The boats</h2>
<p>Thirty-eight <b>boats</b> left the harbour before dawn on Monday.</p>
<p>The mayor said that 4.5&nbsp;% of the fleet is out of work.</p>
<p>Nets are mended by hand, as they were a century ago.</p>"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a page is made of. A fixture leaves parts out or replaces them."""

    server: str
    story: Story
    token: str
    canonical: str = f'<link rel="canonical" href="{ORIGINAL}">'
    text: str = BODY
    credit: str = f'“<a href="{ORIGINAL}">{TITLE}</a>” by {AUTHOR}, {PRESS}.'
    licence: str = (
        '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>.'
    )
    snippet: str = ""
    script: str = ""
    head: str = ""

    def html(self) -> str:
        """Return the page."""
        link = self.snippet or self.link()
        script = self.script or f'<script async src="{self.server}/embed.js"></script>'
        return f"""<!doctype html><html lang="en"><head><title>Boats</title>{self.canonical}{self.head}</head>
<body><main>{self.text}<blockquote><p>{link}</p><p>{self.credit} {self.licence} Changes: none.</p></blockquote>
{script if script != "none" else ""}</main><p>Other stories: <a href="/weather">Weather</a></p></body></html>"""

    def link(self, token: str | None = None) -> str:
        """Return the link of the snippet."""
        return (
            f'<a class="story-widget" href="{self.server}/s/{self.story.code}"'
            f' data-widget-token="{token or self.token}">React to and discuss</a>'
        )


@dataclass(frozen=True, slots=True)
class Fixture:
    """A page, its policy in the header, and the findings that differ from those of a page without faults."""

    name: str
    wrong: frozenset[str]
    """Codes that are found in the place of those in `gone`."""
    gone: frozenset[str]
    change: dict[str, str] = field(default_factory=dict)
    """Parts that are replaced. `{server}`, `{code}`, `{other}` and `{expired}` are put in."""
    policy: str = ""


def _fixture(name: str, wrong: str, gone: str, policy: str = "", **change: str) -> Fixture:
    return Fixture(name, frozenset(wrong.split()), frozenset(gone.split()), change, policy)


FIXTURES = (
    _fixture("no-credit", "credit_missing", "credit_good", credit="From elsewhere."),
    _fixture("no-licence", "licence_missing", "licence_good", licence="Free to use."),
    _fixture(
        "own-canonical", "canonical_missing", "canonical_good",
        canonical='<link rel="canonical" href="https://page.example/boats">',
    ),
    _fixture("no-script", "script_missing", "script_good", script="none"),
    _fixture(
        "no-snippet", "snippet_missing", "snippet_good script_good token_good policy_good",
        snippet="Read more tomorrow.",
    ),
    _fixture(
        "tags-as-text", "snippet_text", "snippet_good script_good token_good policy_good",
        snippet="&lt;a class=&quot;story-widget&quot; href=&quot;{server}/s/{code}&quot;&gt;React&lt;/a&gt;",
    ),
    _fixture(
        "expired-token", "token_expired", "token_good",
        snippet='<a class="story-widget" href="{server}/s/{code}" data-widget-token="{expired}">React</a>',
    ),
    _fixture(
        "token-of-another-story", "token_other", "token_good",
        snippet='<a class="story-widget" href="{server}/s/{code}" data-widget-token="{other}">React</a>',
    ),
    _fixture(
        "token-of-another-site", "token_origin", "token_good",
        snippet='<a class="story-widget" href="{server}/s/{code}" data-widget-token="{elsewhere}">React</a>',
    ),
    _fixture(
        "policy", "policy_script policy_connect policy_socket", "policy_good",
        policy="default-src 'self'; script-src 'self' https://cdn.example; img-src *",
    ),
    _fixture(
        "older-text", "text_older", "text_same",
        text=BODY.replace("Thirty-eight", "Forty-one"),
    ),
    _fixture(
        "changed-text", "text_changed", "text_same", text=BODY.replace("4.5&nbsp;%", "45 percent"),
    ),
)  # fmt: skip
