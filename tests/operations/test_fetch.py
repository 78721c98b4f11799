"""The fetcher reads pages of the public internet and nothing else, by what address it ever is asked."""

import ipaddress
import logging
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import httpx2
import pytest

from tests.operations.page_server import LOOPBACK, OWN, PageServer, html, redirect
from widget_server.operations.publishing import fetch
from widget_server.operations.publishing.fetch import Fetcher, PageUnreachableError
from widget_server.operations.publishing.public_addresses import (
    is_of_this_machine,
    is_permitted,
    is_public,
)


@pytest.fixture
async def pages() -> AsyncIterator[PageServer]:
    """Return a web server on the loopback."""
    async with PageServer() as server:
        yield server


REFUSED_ADDRESSES = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
async def test_a_name_of_an_address_that_is_not_public_is_never_asked(address: str) -> None:
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> Collection[str]:
        asked.append(host)
        return [address]

    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(PageUnreachableError):
        await Fetcher(OWN, resolver=resolver).fetch("https://page.example/")
    assert asked[0] == "page.example"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"]
)
def test_public_addresses_are_permitted(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert is_permitted(ipaddress.ip_address(address))


def test_the_addresses_of_this_machine_are_its_own() -> None:
    """In a data centre a machine's own address is often a public one."""
    assert is_of_this_machine(ipaddress.ip_address("127.0.0.1"))
    assert not is_of_this_machine(ipaddress.ip_address("8.8.8.8"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", 9))
        own = probe.getsockname()[0]
    assert is_of_this_machine(ipaddress.ip_address(own))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://127.0.0.1./",
        "http://１２７.０.０.１/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[fe80::1%25lo]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://a.localhost/",
        "http://db.internal/",
        "http://printer.local./",
        "http://router/",
        "http://widgets.example/s/000000000000",
        "http://widgets.example./",
        "http://page.example@127.0.0.1/",
        "http://user:secret@page.example/",
        "http://page.example:22/",
        "http://page.example:6379/",
        "http://page.example:8080/",
        "http://page.example:0/",
        "http://page.example:99999/",
        "https://page.example:8443/",
        "ftp://page.example/",
        "file:///etc/passwd",
        "gopher://page.example/",
        "data:text/html,hello",
        "//page.example/",
        "http:///",
        "http://%31%32%37.0.0.1/",
        "http://page.example\\@127.0.0.1/",
        "http://page.example/\r\nHost: x",
        "http://127.0.0.1\t/",
        "",
    ],
)
async def test_an_address_that_is_no_public_page_is_refused_before_any_connection(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rules of production: only the answers of the name server are given here."""

    async def resolver(host: str, _port: int) -> Collection[str]:
        # If a check of the address is missing, the loopback is reached and the test fails by `connected`.
        return ["127.0.0.1"] if host != "page.example" else ["8.8.8.8"]

    connected: list[object] = []

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            connected.append(request)
            raise OSError

    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", Transport)
    with pytest.raises(PageUnreachableError):
        await Fetcher(OWN, resolver=resolver).fetch(url)
    assert connected == []


async def test_the_default_rules_refuse_a_server_on_the_loopback(pages: PageServer) -> None:
    pages.answers["/"] = html("hello")
    for host in (LOOPBACK, "localhost", "[::1]"):
        with pytest.raises(PageUnreachableError):
            await Fetcher(OWN, ports={pages.port}).fetch(pages.url(host=host))
    assert pages.connections == 0
    page = await pages.fetcher().fetch(pages.url())
    assert page.content == b"hello", "the server would have answered"


async def test_a_page_is_read_by_name_at_exactly_the_checked_address(pages: PageServer) -> None:
    """A name server that gives another address the second time changes nothing."""
    pages.answers["/article?x=1"] = html("hello")
    answers = {"page.example": [[LOOPBACK], ["192.0.2.1"], ["10.0.0.1"]]}
    asked = []

    async def resolver(host: str, _port: int) -> Collection[str]:
        asked.append(host)
        return answers[host].pop(0) if host in answers else []

    fetcher = Fetcher(
        OWN,
        resolver=resolver,
        permits=lambda address: str(address) == LOOPBACK,
        ports={pages.port},
        seconds=20,
    )
    page = await fetcher.fetch(pages.url("/article?x=1#part"))
    assert (page.status, page.content, page.complete) == (200, b"hello", True)
    assert asked.count("page.example") == 1, "the name is resolved once"
    with pytest.raises(PageUnreachableError):
        await fetcher.fetch(pages.url("/article?x=1"))
    assert pages.connections == 1
    (head,) = pages.requests
    assert head.startswith("GET /article?x=1 HTTP/1.1\r\n")
    assert f"host: page.example:{pages.port}\r\n" in head.lower()


async def test_the_request_says_who_asks_and_holds_nothing_else(pages: PageServer) -> None:
    pages.answers["/"] = html("hello", more="Set-Cookie: a=b\r\n")
    fetcher = pages.fetcher()
    await fetcher.fetch(pages.url())
    await fetcher.fetch(pages.url())
    for head in pages.requests:
        names = {line.split(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "widget-server/" in head
        assert OWN in head


async def test_one_refused_address_among_several_refuses_the_name(pages: PageServer) -> None:
    pages.answers["/"] = html("hello")
    fetcher = pages.fetcher({"both.example": [LOOPBACK, "10.0.0.1"], "none.example": []})
    for host in ("both.example", "none.example", "unknown.example"):
        with pytest.raises(PageUnreachableError):
            await fetcher.fetch(pages.url(host=host))
    assert pages.connections == 0


async def test_the_address_of_this_server_is_refused_under_every_name(pages: PageServer) -> None:
    fetcher = pages.fetcher({"widgets.example": [LOOPBACK]})
    with pytest.raises(PageUnreachableError):
        await fetcher.fetch(pages.url())
    assert pages.connections == 0


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://private.example:{port}/",
        "http://169.254.169.254:{port}/latest/meta-data/",
        "//private.example:{port}/",
        "file:///etc/passwd",
        "http://user:secret@page.example:{port}/",
        "http://page.example:22/",
        "http://localhost:{port}/",
        "\\\\private.example:{port}\\share",
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(pages: PageServer, target: str) -> None:
    pages.answers["/"] = redirect(target.format(port=pages.port))
    fetcher = pages.fetcher({"private.example": ["10.0.0.1"], "localhost": [LOOPBACK]})
    with pytest.raises(PageUnreachableError):
        await fetcher.fetch(pages.url())
    assert len(pages.requests) == 1


async def test_a_name_is_resolved_again_for_a_redirect_to_itself(pages: PageServer) -> None:
    pages.answers["/"] = redirect("/second")
    answers = [[LOOPBACK], ["10.0.0.1"]]

    async def resolver(host: str, _port: int) -> Collection[str]:
        return answers.pop(0) if host == "page.example" else []

    fetcher = Fetcher(
        OWN, resolver=resolver, permits=lambda a: str(a) == LOOPBACK, ports={pages.port}, seconds=20
    )
    with pytest.raises(PageUnreachableError):
        await fetcher.fetch(pages.url())
    assert len(pages.requests) == 1


async def test_three_redirects_are_followed_and_no_more(pages: PageServer) -> None:
    for number in range(5):
        pages.answers[f"/{number}"] = redirect(f"/{number + 1}", "301 Moved Permanently")
    pages.answers["/5"] = html("the end")
    fetcher = pages.fetcher()
    page = await fetcher.fetch(pages.url("/2"))
    assert (page.content, page.url) == (b"the end", pages.url("/5"))
    pages.requests.clear()
    with pytest.raises(PageUnreachableError):
        await fetcher.fetch(pages.url("/1"))
    assert len(pages.requests) == 4


async def test_a_server_that_never_finishes_is_left_after_the_time_for_the_page(
    pages: PageServer,
) -> None:
    assert fetch.TOTAL_S == 3.0
    with pytest.raises(PageUnreachableError):
        await pages.fetcher(seconds=0.5).fetch(pages.url("/slow"))
    assert pages.connections == 1


async def test_of_a_long_page_only_the_first_part_is_read(pages: PageServer) -> None:
    longest = fetch.MAX_PAGE_BYTES
    pages.answers["/fits"] = html("x" * longest)
    pages.answers["/long"] = html("y" * (longest + 1))
    fits = await pages.fetcher().fetch(pages.url("/fits"))
    long = await pages.fetcher().fetch(pages.url("/long"))
    assert (len(fits.content), fits.complete) == (longest, True)
    assert (len(long.content), long.complete) == (longest, False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut short",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_an_answer_that_is_no_page_is_the_same_error_as_every_refusal(
    pages: PageServer, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    pages.answers["/secret-path"] = answer
    with caplog.at_level(logging.INFO), pytest.raises(PageUnreachableError) as failure:
        await pages.fetcher().fetch(pages.url("/secret-path"))
    assert str(failure.value) == "The page cannot be reached."
    assert failure.value.__cause__ is None
    assert "secret-path" not in caplog.text


async def test_a_host_in_other_letters_is_asked_by_its_ascii_name(pages: PageServer) -> None:
    pages.answers["/"] = html("hello")
    fetcher = pages.fetcher({"xn--mnchen-3ya.example": [LOOPBACK]})
    assert (await fetcher.fetch(pages.url(host="münchen.example"))).content == b"hello"
    assert f"host: xn--mnchen-3ya.example:{pages.port}\r\n" in pages.requests[0].lower()


async def test_over_tls_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path,
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += f" -subj /CN=page.example -addext subjectAltName=DNS:page.example -keyout {key}"
    subprocess.run([*command.split(), "-out", str(certificate)], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with PageServer(served) as server:
        server.answers["/"] = html("hello")
        url = server.url().replace("http:", "https:")
        fetcher = server.fetcher({"other.example": [LOOPBACK]}, tls=trusted)
        assert (await fetcher.fetch(url)).content == b"hello"
        with pytest.raises(PageUnreachableError):
            await fetcher.fetch(url.replace("page.example", "other.example"))
        with pytest.raises(PageUnreachableError):
            await server.fetcher().fetch(url)
        assert names == ["page.example", "other.example", "page.example"]
        assert len(server.requests) == 1, "nothing is sent before the certificate is checked"
