"""The demo serves three pages on three origins with one discussion, and leaves nothing behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.harness import ROOT, SETTINGS
from tests.engines import alive, descendants, parent_death_signal
from tests.loopback import NO_TLS, http_client
from tests.ports import free_ports
from tests.waiting import eventually, wait_until
from widget_server.demo.runner import DEMO_PAGES


class Demo:
    """`widget-server demo` as a process, in an environment with another server's settings."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_ports(4)
        self.url = f"http://localhost:{self.port}"
        shell = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        other = {"DATABASE_URL": "postgresql://nowhere/x", "REDIS_URL": "redis://nowhere"}
        other |= {"SECRET_KEYS": "the secret of another server", "TMPDIR": str(folder)}
        self.printed = folder / "printed.txt"
        with self.printed.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "widget_server", "demo", "--port", str(self.port), *options],
                cwd=folder,
                env={**shell, **other, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=parent_death_signal(signal.SIGTERM),
            )
        wait_until(self.started, "the demo has printed the URLs of its pages", 60)

    def started(self) -> bool:
        assert self.process.poll() is None, self.printed.read_text()
        return "Ctrl-C" in self.printed.read_text()

    def end(self) -> None:
        children = descendants(self.process.pid)
        assert len(children) >= 3
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.printed.read_text()
        wait_until(lambda: not any(map(alive, children)), "no child process runs")
        assert "Traceback" not in self.printed.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run a demo; stop it after the tests and check that it leaves nothing behind."""
    folder = tmp_path_factory.mktemp("demo")
    running = Demo(folder)
    yield running
    running.end()
    # The demo has deleted its temporary data.
    assert [path.name for path in folder.iterdir()] == ["printed.txt"]


def pages(demo: Demo) -> list[tuple[str, str]]:
    """Return the origin and HTML of each page that the demo printed."""
    printed = re.findall(r"http://localhost:\d+(?=/)", demo.printed.read_text())
    # The server's own origin stands in the link to its dashboard.
    origins = [origin for origin in printed if origin != demo.url]
    return [
        (origin, httpx.get(f"{origin}/", trust_env=False, verify=NO_TLS).text) for origin in origins
    ]


def test_three_pages_on_three_origins_have_the_same_story(demo: Demo) -> None:
    served = pages(demo)
    assert len({origin for origin, _ in served}) == 3
    links = set()
    for origin, html in served:
        assert f'href="{demo.url}/s/' in html
        assert 'rel="license"' in html
        assert origin not in links
        links.add(re.findall(rf"{demo.url}/s/(\w{{12}})", html)[0])
    assert len(links) == 1
    languages = [re.findall(r"<html lang=\"(\w+)\"", html) for _, html in served]
    assert languages == [["en"], ["es"], []]  # the last page is as a plain CMS writes it


async def test_an_action_on_one_page_is_shown_on_the_others(demo: Demo) -> None:
    served = pages(demo)
    here, there = (token_of(html) for _, html in served[:2])
    async with (
        Client(demo.url, served[0][0]) as one,
        Client(demo.url, served[1][0]) as other,
        http_client() as http,
    ):
        code: str = (await one.subscribe(here))["story"]["code"]
        await other.subscribe(there)
        await one.react(code, "fired_up")
        comment = await one.comment(code, "from the *first* page")
        seen: dict[str, Any] = await other.wait_for("comment", timeout=5)
        assert seen["comment"]["id"] == comment["id"]
        await other.wait_in_sync(code)
        snapshot = (await http.get(f"{demo.url}/v1/stories/{code}")).json()
        assert snapshot["tally"]["counts"]["fired_up"] == 1
        assert "from the" in (await http.get(f"{demo.url}/s/{code}")).text


def token_of(html: str) -> str:
    """Return the widget token of the snippet in a page."""
    found: str = re.findall(r'data-widget-token="([^"]+)"', html)[0]
    return found


async def test_presence_counts_each_window_of_the_demo(demo: Demo) -> None:
    async with contextlib.AsyncExitStack() as windows:
        async with http_client() as http:
            page = (await http.get(f"http://localhost:{demo.port + 1}")).text
        code = re.findall(r"/s/([0-9A-Za-z]{12})", page)[0]
        for _ in range(5):
            window = Client(demo.url, f"http://localhost:{demo.port + 1}")
            await windows.enter_async_context(window)
            await window.subscribe(code=code)
        await eventually(
            lambda: window.state(code).presence.get("readers") == 5, "presence counts five readers"
        )


def test_a_demo_whose_ports_are_in_use_prints_one_sentence(demo: Demo, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "widget_server", "demo", "--port", str(demo.port)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "in use" in done.stderr


def test_a_simulated_demo_gets_reactions_and_comments(tmp_path: Path) -> None:
    running = Demo(tmp_path, "--simulate", "--data", str(tmp_path / "kept"))
    code = re.findall(rf"{running.url}/s/(\w{{12}})", pages(running)[0][1])[0]

    def has_activity() -> bool:
        snapshot = httpx.get(
            f"{running.url}/v1/stories/{code}", trust_env=False, verify=NO_TLS
        ).json()
        counts: dict[str, int] = snapshot["tally"]["counts"]
        labels = [thread["copy"]["label"] for thread in snapshot["comments"]["threads"]]
        return (
            sum(counts.values()) >= 2
            and bool(labels)
            and set(labels) <= {page.label for page in DEMO_PAGES}
        )

    wait_until(has_activity, "readers react, and comment on copies that have a label", 60)
    running.end()
    assert (tmp_path / "kept/database.sqlite3").exists()
