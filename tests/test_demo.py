"""The demo: three pages on three origins with one discussion, and nothing left behind."""

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
from tests.engines import alive, dies_with_us
from tests.loopback import http_client
from tests.ports import free_ports
from tests.waiting import eventually, wait_until
from widget_server.demo.runner import DEMO_PAGES


def descendants(pid: int) -> list[int]:
    """The process's children, theirs, and so on."""
    found = [pid]
    for one in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = Path(f"/proc/{one}/task/{one}/children").read_text().split()
            found += [int(word) for word in words]
    return found[1:]


class Demo:
    """`widget-server demo`, as a stranger starts it: with settings of another server around."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = free_ports(4)
        self.url = f"http://localhost:{self.port}"
        shell = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        other = {"DATABASE_URL": "postgresql://nowhere/x", "REDIS_URL": "redis://nowhere"}
        other |= {"SECRET_KEYS": "the secret of another server", "TMPDIR": str(folder)}
        self.printed = folder / "printed.txt"
        with self.printed.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "widget_server", "demo", "--port", str(self.port), *words],
                cwd=folder,
                env={**shell, **other, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=dies_with_us(signal.SIGTERM),
            )
        wait_until(self.started, "the demo says where its pages are", 60)

    def started(self) -> bool:
        assert self.process.poll() is None, self.printed.read_text()
        return "Ctrl-C" in self.printed.read_text()

    def end(self) -> None:
        children = descendants(self.process.pid)
        assert len(children) >= 3
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.printed.read_text()
        wait_until(lambda: not any(map(alive, children)), "no child is left")
        assert "Traceback" not in self.printed.read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo; its end is tested as well."""
    folder = tmp_path_factory.mktemp("demo")
    running = Demo(folder)
    yield running
    running.end()
    # Its temporary data is gone, down to the last file.
    assert [path.name for path in folder.iterdir()] == ["printed.txt"]


def pages(demo: Demo) -> list[tuple[str, str]]:
    """Origin and HTML of each page that the demo named."""
    found = re.findall(r"http://localhost:\d+(?=/)", demo.printed.read_text())
    return [(origin, httpx.get(f"{origin}/", trust_env=False).text) for origin in found]


def test_three_pages_on_three_origins_carry_the_story(demo: Demo) -> None:
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
    assert languages == [["en"], ["es"], []]  # the last as a bare CMS would leave it


async def test_what_is_done_on_one_page_shows_on_the_others(demo: Demo) -> None:
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
        seen: dict[str, Any] = await other.saw("comment", timeout=5)
        assert seen["comment"]["id"] == comment["id"]
        await other.agrees(code)
        snapshot = (await http.get(f"{demo.url}/v1/stories/{code}")).json()
        assert snapshot["tally"]["counts"]["fired_up"] == 1
        assert "from the" in (await http.get(f"{demo.url}/s/{code}")).text


def token_of(html: str) -> str:
    found: str = re.findall(r'data-widget-token="([^"]+)"', html)[0]
    return found


async def test_each_window_of_the_demo_is_counted(demo: Demo) -> None:
    async with contextlib.AsyncExitStack() as windows:
        async with http_client() as http:
            page = (await http.get(f"http://localhost:{demo.port + 1}")).text
        code = re.findall(r"/s/([0-9A-Za-z]{12})", page)[0]
        for _ in range(5):
            window = Client(demo.url, f"http://localhost:{demo.port + 1}")
            await windows.enter_async_context(window)
            await window.subscribe(code=code)
        await eventually(
            lambda: window.state(code).presence.get("readers") == 5, "all five are counted"
        )


def test_a_demo_whose_ports_are_taken_is_one_sentence(demo: Demo, tmp_path: Path) -> None:
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


def test_a_lively_demo_fills_with_reactions_and_words(tmp_path: Path) -> None:
    running = Demo(tmp_path, "--simulate", "--data", str(tmp_path / "kept"))
    code = re.findall(rf"{running.url}/s/(\w{{12}})", pages(running)[0][1])[0]

    def lively() -> bool:
        snapshot = httpx.get(f"{running.url}/v1/stories/{code}", trust_env=False).json()
        counts: dict[str, int] = snapshot["tally"]["counts"]
        vias = [each["copy"]["label"] for each in snapshot["comments"]["threads"]]
        return (
            sum(counts.values()) >= 2
            and bool(vias)
            and set(vias) <= {page.label for page in DEMO_PAGES}
        )

    wait_until(lively, "readers react, and write by way of a copy that has a name", 60)
    running.end()
    assert (tmp_path / "kept/database.sqlite3").exists()
