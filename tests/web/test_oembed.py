"""oEmbed: what consumers get for a story's address, and what everything else gets."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import micawber
import pytest

from tests.e2e.publisher import Publisher
from tests.node import node
from tests.web.shared_server import SECRET, SharedServer, rejection

# What is tested here lies before the database: `make slow-tests` runs it on PostgreSQL, too.
pytestmark = pytest.mark.slow("postgresql")

ROOT = Path(__file__).parents[2]
HOSTILE = "</title>]]>&\"'<img src=x onerror=alert(1)>\x0b"


def answer(server: SharedServer, code: str, **query: Any) -> Any:
    return server.http.get("/oembed", params={"url": page_of(server, code), **query})


def page_of(server: SharedServer, code: str) -> str:
    return f"{server.server.env['PUBLIC_URL']}/s/{code}"


class Elements(HTMLParser):
    """The elements of a piece of HTML, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_answer_is_the_frame_of_the_story_with_its_attribution(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(
        title="Sea level", author="Ann", publisher="Press", url="https://press.example/sea"
    )
    response = answer(shared_server, story.code)
    assert response.headers["content-type"] == "application/json"
    fields = response.json()
    assert (fields["type"], fields["version"], fields["title"]) == ("rich", "1.0", "Sea level")
    assert (fields["author_name"], fields["provider_name"]) == ("Ann", "Press")
    assert 200 <= fields["height"] <= 1000
    assert fields["cache_age"] > 0
    assert fields["license"] == "https://creativecommons.org/licenses/by/4.0/"
    elements = Elements(fields["html"]).found
    (frame,) = [attributes for tag, attributes in elements if tag == "iframe"]
    assert urlsplit(frame["src"] or "").path == f"/e/{story.code}"
    assert (frame["width"], frame["height"]) == (str(fields["width"]), str(fields["height"]))
    assert {"https://press.example/sea", page_of(shared_server, story.code)} <= {
        attributes.get("href") for _, attributes in elements
    }
    # WordPress accepts only this order (wp_filter_oembed_result).
    assert re.search(
        r"(<blockquote>.*?</blockquote>)?.*(<iframe.*?></iframe>)", fields["html"], re.S
    )
    assert story.token not in response.text


def test_xml_has_the_same_fields_and_no_document_type(shared_server: SharedServer) -> None:
    story = shared_server.story(title=HOSTILE.replace("\x0b", ""), author="<b>&")
    response = answer(shared_server, story.code, format="xml")
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    assert "<!" not in response.text
    document = ET.fromstring(response.text)
    assert document.tag == "oembed"
    fields = answer(shared_server, story.code).json()
    assert {child.tag: child.text for child in document} == {
        name: str(value) for name, value in fields.items()
    }


def test_a_title_of_markup_makes_no_element(shared_server: SharedServer) -> None:
    story = shared_server.story(title=HOSTILE.replace("\x0b", ""), author='"><script>x</script>')
    html = answer(shared_server, story.code).json()["html"]
    tags = {tag for tag, _ in Elements(html).found}
    assert tags == {"blockquote", "a", "iframe"}


@pytest.mark.parametrize(("maxwidth", "maxheight"), [(320, 240), (1, 1), (100_000, 100_000)])
def test_the_frame_is_never_larger_than_asked_for(
    shared_server: SharedServer, maxwidth: int, maxheight: int
) -> None:
    fields = answer(
        shared_server, shared_server.story().code, maxwidth=maxwidth, maxheight=maxheight
    ).json()
    assert 0 < fields["width"] <= maxwidth
    assert 0 < fields["height"] <= min(maxheight, 1000)
    (frame,) = [a for tag, a in Elements(fields["html"]).found if tag == "iframe"]
    assert (frame["width"], frame["height"]) == (str(fields["width"]), str(fields["height"]))


@pytest.mark.parametrize(
    "url",
    [
        "{server}/s/unknownCode1",
        "{server}/s/x",
        "{server}/",
        "{server}/e/{code}",
        "{server}/s/{code}/write",
        "{server}/admin/s/{code}",
        "https://elsewhere.example/s/{code}",
        "//elsewhere.example/s/{code}",
        "{server}@elsewhere.example/s/{code}",
        "javascript:alert(1)",
        "{server}/s/{code}\n",
        "{server}/s/%00",
        "\ud800",
    ],
)
def test_no_other_address_has_an_answer(shared_server: SharedServer, url: str) -> None:
    code = shared_server.story().code
    server = shared_server.server.env["PUBLIC_URL"]
    address = url.format(server=server, code=code).encode("utf-8", "surrogatepass")
    response = shared_server.http.get("/oembed", params={"url": address.decode("latin-1")})
    assert rejection(response) == (404, "not_found")


@pytest.mark.parametrize("form", ["/s/{}", "/s/{}/", "/s/{}?order=top", "/s/{}?thread=x#c-x"])
def test_every_address_of_the_page_has_the_same_answer(
    shared_server: SharedServer, form: str
) -> None:
    code = shared_server.story().code
    address = shared_server.server.env["PUBLIC_URL"] + form.format(code)
    found = shared_server.http.get("/oembed", params={"url": address})
    assert found.json() == answer(shared_server, code).json()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"format": "yaml"}, 501),
        ({"maxwidth": "-1"}, 400),
        ({"maxheight": "NaN"}, 400),
        ({"maxwidth": "1e9"}, 400),
        ({"maxwidth": "9" * 400}, 400),
        ({"url": ""}, 400),
        ({"unknown": "x"}, 200),
        ({"maxwidth": ""}, 200),
    ],
)
def test_parameters_are_checked(
    shared_server: SharedServer, query: dict[str, str], status: int
) -> None:
    assert answer(shared_server, shared_server.story().code, **query).status_code == status


def test_a_site_that_is_not_open_has_no_answer(shared_server: SharedServer) -> None:
    for slug, rule in (("oe-closed", "open_reading=off"), ("oe-token", "open_republishing=off")):
        shared_server.site(slug, rule)
        story = Publisher(slug, SECRET).story()
        shared_server.register(story)
        assert rejection(answer(shared_server, story.code)) == (404, "not_found")


def test_the_page_names_its_oembed_answers_in_links_and_headers(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Found")
    page = shared_server.http.get(f"/s/{story.code}")
    links = {
        attributes.get("type"): attributes["href"] or ""
        for tag, attributes in Elements(page.text).found
        if tag == "link" and attributes.get("rel") == "alternate"
    }
    for media, kind in (("application/json+oembed", "json"), ("text/xml+oembed", "xml")):
        assert f'<{links[media]}>; rel="alternate"; type="{media}"' in page.headers["link"]
        parts = urlsplit(links[media])
        assert parse_qs(parts.query)["url"] == [page_of(shared_server, story.code)]
        found = shared_server.http.get(f"{parts.path}?{parts.query}")
        assert found.status_code == 200
        assert ("json" in found.headers["content-type"]) is (kind == "json")


def test_the_page_of_a_site_that_frames_with_tokens_names_none(shared_server: SharedServer) -> None:
    shared_server.site("oe-link", "open_republishing=off")
    story = Publisher("oe-link", SECRET).story()
    shared_server.register(story)
    page = shared_server.http.get(f"/s/{story.code}")
    assert "oembed" not in page.text
    assert "oembed" not in page.headers["link"]


def test_an_unchanged_answer_is_not_sent_again(shared_server: SharedServer) -> None:
    story = shared_server.story()
    first = answer(shared_server, story.code)
    again = shared_server.http.get(str(first.url), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_independent_consumer_in_python_embeds_a_pasted_address(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Micawber & co")
    page = page_of(shared_server, story.code)
    providers = micawber.ProviderRegistry()
    endpoint = f"{shared_server.server.env['PUBLIC_URL']}/oembed"
    providers.register(re.escape(page.rpartition("/")[0]) + r"/\S+", micawber.Provider(endpoint))
    found = providers.request(page, maxwidth=400)
    assert (found["type"], found["title"], found["width"]) == ("rich", "Micawber & co", 400)
    html = micawber.parse_html(f"<p>{page}</p>", providers)
    assert f"/e/{story.code}" in html
    with pytest.raises(micawber.ProviderException):
        providers.request(page_of(shared_server, "unknownCode1"))


def test_an_independent_consumer_in_javascript_finds_and_reads_the_answer(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story(title="Extracted “&”")
    library = ROOT / "js/node_modules/@extractus/oembed-extractor/esm/mod.js"
    run = subprocess.run(
        [
            node(),
            str(Path(__file__).with_name("oembed_consumer.mjs")),
            str(library),
            shared_server.server.env["PUBLIC_URL"],
            page_of(shared_server, story.code),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = json.loads(run.stdout)
    for found in (*answers["discovered"], *answers["listed"]):
        assert (found["type"], found["title"]) == ("rich", "Extracted “&”"), answers
        assert f"/e/{story.code}" in found["html"]
    assert (answers["listed"][0]["width"], answers["listed"][0]["height"]) == (400, 300)
