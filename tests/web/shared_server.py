"""A running server for tests of HTTP and WebSocket endpoints, shared by many tests."""

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher, Story
from tests.loopback import NO_TLS
from widget_server.cli.main import app

SECRET = "a secret of the shared server without a comma"
PAGE = "https://copy.example"


class SharedServer:
    """A server process, an HTTP client for it, and its publishers."""

    def __init__(self, folder: Path, database_url: str, **env: str) -> None:
        variables = {"DATABASE_URL": database_url, "SECRET_KEYS": SECRET, **env}
        self.server = ServerProcess(folder, variables)
        self.url = self.server.url
        self.http = httpx.Client(base_url=self.url, trust_env=False, verify=NO_TLS, timeout=20)
        self.publisher = Publisher("press", SECRET)

    @contextmanager
    def running(self, start_s: float = 30.0) -> Iterator["SharedServer"]:
        """Start the server with the site `press`, and stop it after the block."""
        self.cli("migrate")
        asyncio.run(self.server.start(start_s))
        try:
            self.cli("site", "create", "press", "--name", "Press")
            self.cli("site", "set", "press", "website=optional", "email=optional")
            yield self
        finally:
            asyncio.run(self.server.kill())
            self.http.close()

    def cli(self, *words: str) -> str:
        """Run an operator's command beside the running server; return its output."""
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(
                CliRunner().invoke, app, words, env=self.server.env, catch_exceptions=False
            ).result()
        assert done.exit_code == 0, f"{words} ended with {done.exit_code}:\n{done.output}"
        return done.stdout.strip()

    def site(self, slug: str, *rules: str) -> Publisher:
        """Create a site with these `KEY=VALUE` rules."""
        self.cli("site", "create", slug, "--name", "A paper")
        if rules:
            self.cli("site", "set", slug, *rules)
        return Publisher(slug, SECRET)

    def story(self, **claims: Any) -> Story:
        """Register a story of the site `press`, without comments."""
        story = self.publisher.story(**claims)
        self.register(story)
        return story

    def register(self, story: Story) -> None:
        """Register a story by an action that changes nothing else: `forget` of an unknown reader."""
        assert self.action(story, "forget").status_code == 200

    def action(
        self,
        story: Story,
        kind: str,
        *,
        origin: str | None = PAGE,
        media: str = "text/plain",
        **fields: Any,
    ) -> httpx.Response:
        """Send `POST /v1/actions`. Fields that are None are omitted, except `reaction`."""
        message = {"type": kind, "story": story.code, "token": story.token, **fields}
        kept = {k: v for k, v in message.items() if v is not None or k == "reaction"}
        headers = {"Content-Type": media} | ({} if origin is None else {"Origin": origin})
        return self.http.post("/v1/actions", json=kept, headers=headers)

    def post(self, story: Story, body: str = "hello", **fields: Any) -> dict[str, Any]:
        """Post a comment that must be accepted; return the whole response."""
        fields.setdefault("key", str(uuid.uuid4()))
        answer = self.action(story, "comment", body=body, **fields)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def snapshot(self, story: Story) -> dict[str, Any]:
        """Return the public snapshot of a story."""
        answer = self.http.get(f"/v1/stories/{story.code}")
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content


def rejection(answer: httpx.Response) -> tuple[int, str]:
    """Check the shape of an error response; return its status and code."""
    content = answer.json()
    if content.get("type") == "error":
        assert set(content) <= {"type", "ref", "code", "detail", "retry_after"}, content
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(content) <= {"type", "title", "status", "code", "detail", "retry_after"}, content
        assert content["status"] == answer.status_code
    assert content["detail"].endswith(".")
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, content["code"]
