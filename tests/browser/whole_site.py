"""A server whose dashboard has something on every page: people, copies, tokens, keys and decisions of all kinds."""

import json
import re
import sqlite3
import time
import uuid
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.moderated_site import PASSWORD, ModeratedSite, fill
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.loopback import NO_TLS

HOSTS = (
    "https://www.northside.example",
    "https://diariodelpuerto.example",
    "https://lapassade.example",
    "https://islandtimes.example",
    "https://islandtimes.example:8443",
    "https://a-very-long-name-of-a-local-newspaper.readersunion.example",
)
ROLES = ("editor", "moderator", "auditor", "local")
IDS = (
    "SELECT id FROM comments",
    "SELECT reader FROM comments",
    "SELECT id FROM decisions",
    "SELECT id FROM site_decisions",
    "SELECT id FROM accounts",
    "SELECT id FROM api_keys",
    "SELECT id FROM rules",
    "SELECT hash FROM invitations",
    "SELECT hash FROM sessions",
    "SELECT jti FROM tokens WHERE length(jti) > 8",
    "SELECT code FROM stories",
    "SELECT id FROM hints",
)
"""Where the ids are that no page shows to people outside of an entry's details."""


class WholeSite:
    """The site `harbour` with all that its dashboard can show, and a second site without anything."""

    def __init__(self, server: ServerProcess) -> None:
        self.site = ModeratedSite(server)
        self.server = server
        self.names: dict[str, str] = {}
        """What stands for the parameters of a path, by name."""

    async def begin(self, browser: Browser) -> None:
        """Make the sites and fill the first one."""
        site = self.site
        await site.begin(browser)
        self.site.cli("site", "create", "empty", "--name", "Northside Weekly")
        story, ids = fill(site)
        self.names = {"site": "harbour", "code": story.code, "comment": ids["top"], **ids}
        closed = site.story("The last night bus")
        self._copies(story)
        self._republish(story)
        self._tokens(story)
        self._decide(story, closed, ids)
        self._people()
        self._settings(story)
        self._rules()
        found = self._json("copy", "list", "harbour", "--json")["copies"]
        self.names["copy"] = str(found[0]["id"])
        site.cli("copy", "revoke", "harbour", str(found[-1]["id"]), "--shut-out", "site")
        site.cli("copy", "revoke", "harbour", str(found[-2]["id"]))
        self.names["account"] = self._one("SELECT account FROM members")
        self.names["key"] = self._one("SELECT id FROM api_keys WHERE ended_at IS NULL")
        self.names["jti"] = self._one("SELECT jti FROM tokens WHERE label = 'Island Times'")
        search = ("--phrase", "A comment number 5")
        batch = self._json("batch", "start", "harbour", "spam", *search, "--json")
        self.names["batch"] = batch["batch"]
        self.names["link"] = site.cli("people", "invite", "--owner").split()[0].rpartition("/")[2]

    def path(self, place: str) -> str:
        """Return the address of a page, with names in its path filled in."""
        return self.server.url + place.format(**self.names)

    def invitation(self) -> str:
        """Return a link that makes a new moderator."""
        return str(
            self._json("people", "invite", "--role", "moderator", "--site", "harbour", "--json")[
                "url"
            ]
        )

    async def owner(self, browser: Browser, **options: Any) -> tuple[BrowserContext, Page]:
        """Return a browser in which the server's owner is signed in."""
        return await self.site.owner(browser, **options)

    def ids(self) -> set[str]:
        """Return the ids that no page shows as text."""
        with sqlite3.connect(self.server.data_dir / "database.sqlite3") as database:
            found = {str(row[0]) for query in IDS for row in database.execute(query)}
        return {one for one in found if len(one) >= 8}

    def _one(self, query: str) -> str:
        with sqlite3.connect(self.server.data_dir / "database.sqlite3") as database:
            return str(database.execute(query).fetchone()[0])

    def _json(self, *words: str) -> Any:
        return json.loads(self.site.cli(*words))

    def _act(self, token: str, story: Story, origin: str, kind: str, **fields: Any) -> None:
        message = {"type": kind, "story": story.code, "token": token, "ref": 1, **fields}
        headers = {"Content-Type": "text/plain", "Origin": origin}
        answer = httpx.post(
            f"{self.server.url}/v1/actions",
            json=message,
            headers=headers,
            trust_env=False,
            verify=NO_TLS,
        )
        assert answer.status_code == 200, answer.text

    def _copies(self, story: Story) -> None:
        """Let six pages carry the story; three of them have the same label."""
        for number, origin in enumerate(HOSTS):
            label = "Island Times" if number in {3, 4, 5} else f"Copy {number}"
            token = self.site.publisher.token(
                story.key, origins=[origin], label=label, lang=("en", "es", "ar")[number % 3]
            )
            for reaction in ("happy", "sad", "surprised")[: 1 + number % 3]:
                self._act(token, story, origin, "react", reaction=reaction)
            self._act(token, story, origin, "comment", body="Hello", key=str(uuid.uuid4()))

    def _republish(self, story: Story) -> None:
        """Give the story a text, and let two strangers make tokens that readers use; one wants a name."""
        file = self.server.data_dir / "story.md"
        file.write_text("## Rain\n\nIt *rained*, and rained.", "utf-8")
        image = '{"url": "https://harbour.example/rain.jpg", "alt": "Rain", "credit": "Ana"}'
        words = ("--format", "markdown", "--image", image)
        self.site.cli("story", "text", story.code, "--file", str(file), *words)
        for host, label in (
            ("stranger.example", "A Very Long Name of a Stranger’s Paper"),
            ("x.example", ""),
        ):
            fields = {"address": host, "label": label, "listed": "on"}
            page = httpx.post(
                f"{self.server.url}/s/{story.code}/republish",
                files={name: (None, value) for name, value in fields.items()},
                headers={"Origin": self.server.url},
            )
            token = re.search(r"w1\.[\w.-]+", page.text)
            assert token is not None, page.text
            self._act(token[0], story, f"https://{host}", "react", reaction="happy")

    def _tokens(self, story: Story) -> None:
        """Make tokens that were never seen, have expired, are revoked and are signed with an old key."""
        about = ("--site", "harbour", "--story", story.key, "--origin")
        for label, *more in (
            ("Never seen",),
            ("Has expired", "--expires", "2031-01-01"),
            ("Is revoked", "--jti", "handle-of-the-revoked"),
            ("Of an old key",),
        ):
            self.site.cli("token", *about, "https://never.example", "--label", label, *more)
        self.site.cli("site", "revoke", "harbour", "handle-of-the-revoked")
        with sqlite3.connect(self.server.data_dir / "database.sqlite3") as database:
            database.execute(
                "UPDATE tokens SET exp = ? WHERE label = 'Has expired'", (int(time.time()) - 9,)
            )
        self.site.cli("site", "rotate-key", "harbour")

    def _decide(self, story: Story, closed: Story, ids: dict[str, str]) -> None:
        """Decide with every verb, as the shell, and as the owner."""
        self.site.cli(
            "site",
            "set",
            "harbour",
            "tags=urgent, good quote, سؤال للمحرر, a question to the newsroom",
        )
        for name in ("urgent", "سؤال للمحرر", "a question to the newsroom"):
            self.site.cli("comment", "tag", ids["rude"], ids["gone"], ids["pending"], "--tag", name)
        run, owner = self.site.cli, ("--as", "Ana Ferreira")
        extra = [
            self.site.write(story, f"A comment number {n}.")["comment"]["id"] for n in range(6)
        ]
        run("comment", "approve", *extra)
        run("comment", "pin", ids["reply"])
        run("comment", "unpin", ids["reply"])
        run("comment", "hold", extra[0], "--note", "Is this true?")
        run("comment", "spam", extra[1], *owner)
        run("comment", "remove", extra[2], "--reason", "off_topic")
        run("comment", "restore", extra[2])
        run("comment", "erase", extra[3], "--reason", "privacy")
        run("comment", "reject", ids["pending2"], *owner)
        run("comment", "remove", extra[4], *owner, "--reason", "attack")
        removed = self._one("SELECT id FROM decisions WHERE verb = 'remove' ORDER BY at DESC")
        run("undo", removed)
        run(
            "reader", "ban", extra[5], "--reason", "attack", "--note", "For the third time.", *owner
        )
        objecting = self.site.write(story, "I object to this.")
        run("comment", "remove", objecting["comment"]["id"], "--reason", "hate", *owner)
        self.site.act(
            story,
            "appeal",
            reader=objecting["reader"],
            comment=objecting["comment"]["id"],
            text="It is a quotation.",
        )
        self.names |= {"banned": extra[5], "objected": objecting["comment"]["id"]}
        self._correct_and_hide(story, ids)
        self._report_errors(story)
        run("story", "notice", story.code, "From the editors: the boat sails at five.")
        run("story", "close", story.code, "--at", "2099-12-31")
        run("story", "close", closed.code)
        run("story", "open", closed.code)
        run("story", "close", closed.code, *owner)

    def _correct_and_hide(self, story: Story, ids: dict[str, str]) -> None:
        """Publish a correction and withdraw another, hide a comment on one copy, and let those of another wait."""
        run = self.site.cli
        thanks = ("--passage", "the boat sails at six", "--credit", "Rita Okafor")
        run("story", "correct", story.code, "The boat sails at five.", *thanks)
        made = self._json("story", "correct", story.code, "It was Monday.", "--json")
        run("undo", made["id"])
        listed = self._json("copy", "list", "harbour", "--story", story.code, "--json")["copies"]
        own = [str(one["id"]) for one in listed if one["origin"] in HOSTS]
        run("copy", "hide", "harbour", own[0], ids["top"])
        run("copy", "wait", "harbour", own[1])

    def _report_errors(self, story: Story) -> None:
        """Let readers report errors: one was followed, one was declined, three wait."""
        sent = [
            self.site.act(story, "hint", text=text, passage=passage, credit=credit)["hint"]["id"]
            for text, passage, credit in (
                ("It sails at five.", "the boat sails at six", "Rita Okafor"),
                ("The captain is called Ana.", None, None),
                ("The roof was repaired in 1961, not in 1971.", "repaired in 1971", "Oddvar B."),
                ("المركب يبحر في الخامسة", "the boat sails at six", None),
                ("A word is missing here.", None, "<b>Priya</b>"),
            )
        ]
        run, owner = self.site.cli, ("--as", "Ana Ferreira")
        run("story", "accept-hint", "harbour", sent[0], "The boat sails at five.", *owner)
        run("story", "decline-hint", "harbour", sent[1], "--answer", "She is not.", *owner)
        self.names["hint"] = sent[2]

    def _people(self) -> None:
        """Let four more people join, invite one who does not come, and make keys."""
        for role in ROLES:
            limited = ("--copies", "1") if role == "local" else ()
            link = self._json(
                "people", "invite", "--role", role, "--site", "harbour", *limited, "--json"
            )["url"]
            own = {"Sec-Fetch-Site": "same-origin", "Origin": self.server.url}
            with httpx.Client(
                base_url=self.server.url, trust_env=False, verify=NO_TLS, headers=own
            ) as http:
                http.post("/admin/link/" + link.rpartition("/")[2], data={"press": "1"})
                email = f"{role}@a-long-name.harbour.example"
                fields = {"name": f"Mireille {role}", "email": email, "password": PASSWORD}
                assert http.post("/admin/welcome", data=fields).status_code == 303
        run = self.site.cli
        run(
            "people",
            "invite",
            "--role",
            "moderator",
            "--site",
            "harbour",
            "--email",
            "lea@b.example",
        )
        run("people", "role", "Mireille auditor", "moderator", "--site", "harbour")
        scopes = [
            word for verb in ("token", "read_numbers", "shut_out") for word in ("--scope", verb)
        ]
        run("key", "create", "harbour", "--label", "Publishing system", *scopes)
        ended = self._json(
            "key", "create", "harbour", "--label", "Old letter", "--scope", "read", "--json"
        )
        run("key", "end", "harbour", ended["id"])

    def _rules(self) -> None:
        """Add two rules, of which one holds, and let the learned filter learn."""
        add = ("rule", "add", "harbour", "--json", "--kind")
        first = self._json(*add, "first", "--name", "First comments", "--limit", "1")
        words = self._json(*add, "words", "--name", "Casinos", "--word", "casino*")
        self.site.cli("rule", "on", "harbour", first["id"])
        self.site.cli("learner", "harbour", "--mode", "shadow")
        self.names["rule"] = words["id"]

    def _settings(self, story: Story) -> None:
        """Change settings of the site and of one story."""
        self.site.cli("site", "set", "harbour", "keep_days=20", "rate_limit_comment=9/60")
        self.site.cli("story", "set", story.code, "name=required")
        self.site.cli("site", "shut-out", "harbour", "https://scraper.example")
        self.site.cli("site", "readmit", "harbour", "https://scraper.example")
