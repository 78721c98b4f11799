"""`copy check`: what it prints about a page, and its exit status."""

import ipaddress
import json
import threading
from collections.abc import Collection, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.commands import Run, sentence
from widget_server.cli.context import with_services
from widget_server.model.actors import shell
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.operations.owners import sites
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.operations.readers import authorize, copies
from widget_server.operations.services import Services

LOOPBACK = "127.0.0.1"
Pages = dict[str, str]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """Serve pages that the command may read at `page.example`. `address` is their origin."""
    served: Pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in served else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(served.get(self.path, "").encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    async def resolver(host: str, _port: int) -> Collection[str]:
        return [LOOPBACK] if host == "page.example" else []

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        defaults = Fetcher.__init__.__kwdefaults__
        assert defaults is not None
        allowed = ipaddress.ip_address(LOOPBACK)
        for name, value in {
            "resolver": resolver,
            "permits": lambda address: address == allowed,
            "ports": {server.server_port},
            "seconds": 20.0,
        }.items():
            monkeypatch.setitem(defaults, name, value)
        served["address"] = f"http://page.example:{server.server_port}"
        yield served
        server.shutdown()
        thread.join()


@pytest.fixture
def names(run: Run, site: str, data: Path, pages: Pages) -> dict[str, str]:
    """Return a story, a copy on the pages, and the address of the server."""

    async def make(services: Services) -> dict[str, str]:
        origin = "https://page.example"
        credit = Attribution("https://press.example/a", "Boats", "Ines Falk", None, "CC-BY-4.0")
        claims = WidgetClaims(site, "s", (origin,), 1, "handle", attribution=credit)
        token = await sites.mint(services, shell("test"), claims)
        grant = await authorize.authorize(
            services, token=token, code=None, origin=origin, page=f"{origin}/a"
        )
        copy = await copies.record_seen(services, grant, "n")
        assert copy is not None
        server = services.server_origin
        return {"story": grant.story.code, "copy": str(copy.id), "server": server}

    return with_services(data, make)


def test_the_findings_are_printed_with_their_lines_and_faults_end_with_1(
    run: Run, site: str, names: dict[str, str], pages: Pages
) -> None:
    link = f'<a class="story-widget" href="{names["server"]}/s/{names["story"]}">React</a>'
    pages["/bad"] = f"<p>Words of the page</p><p>{link}</p>"
    about = ("copy", "check", site, "--story", names["story"], "--page")
    done = run(*about, f"{pages['address']}/bad")
    assert done.status == 1
    assert "fault: The page does not load the script" in done.out
    assert f'src="{names["server"]}/embed.js"' in done.out
    assert "Words of the page" not in done.out
    found = json.loads(run(*about, f"{pages['address']}/bad", "--json").out)
    assert found["story"] == names["story"]
    codes = {one["code"]: one["state"] for one in found["findings"]}
    assert codes["script_missing"] == codes["credit_missing"] == "fault"
    assert codes["token_none"] == "good"
    pages["/good"] = (
        f'<p>{link}</p><p>Ines Falk, <a href="https://creativecommons.org/licenses/by/4.0/">CC BY</a></p>'
        f'<script async src="{names["server"]}/embed.js"></script>'
    )
    assert run(*about, f"{pages['address']}/good").status == 0


def test_a_page_that_is_not_read_is_an_error_with_one_sentence(
    run: Run, site: str, names: dict[str, str], pages: Pages
) -> None:
    about = ("copy", "check", site, "--story", names["story"], "--page")
    said = {
        sentence(run(*about, address))
        for address in (f"{pages['address']}/missing", "http://10.0.0.1/", "nowhere")
    }
    assert len(said) == 1
    assert "cannot be read" in said.pop()
    assert "cannot be read" in sentence(run("copy", "check", site, names["copy"]))
    assert "no such copy" in sentence(run("copy", "check", site, "999"))
    assert "Name the copy" in sentence(run("copy", "check", site))
    assert "Name the copy" in sentence(run("copy", "check", site, "--story", names["story"]))
