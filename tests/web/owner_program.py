"""A program that uses the owner API with a key, as a publisher's own system does."""

import uuid
from typing import Any

import httpx

from tests.web.shared_server import SharedServer
from widget_server.auth.permissions import PERMISSIONS, permits

ALL_SCOPES = tuple(verb for verb in PERMISSIONS if permits("machine", verb))


class Program:
    """Requests to the owner API of one site with one key."""

    def __init__(self, http: httpx.Client, site: str, key: str) -> None:
        self._http = http
        self.site = site
        self.key = key

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request to a path of the site. `If_Match` in `headers` is `If-Match`."""
        sent = {"Authorization": f"Bearer {self.key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.request(method, f"/v1/sites/{self.site}{path}", json=body, headers=sent)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Change something."""
        return self.send("POST", path, {} if body is None else body, **headers)

    def read(self, path: str) -> Any:
        """Read what must be readable."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def do(self, path: str, body: Any = None, **headers: str) -> Any:
        """Make a change that must be possible."""
        answer = self.post(path, body, **headers)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()


def program(server: SharedServer, *scopes: str, site: str = "press", days: int = 30) -> Program:
    """Return a program with a new key with these scopes, or with all that a key can have."""
    words = ["key", "create", site, "--label", f"test {uuid.uuid4().hex[:8]}", "--days", str(days)]
    for scope in scopes or ALL_SCOPES:
        words += ["--scope", scope]
    return Program(server.http, site, server.cli(*words))
