"""The page checker: what it finds on pages with known faults, and what it never does."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.operations.checked_pages import BODY, FIXTURES, GOOD, TEXT, TITLE, Fixture
from tests.operations.checked_server import Checked, open_checked
from tests.operations.operations_harness import NETWORK, Server, open_server
from tests.operations.owner_harness import OWNER
from tests.operations.page_server import LOOPBACK, PageServer, html, redirect
from widget_server.model.actors import shell
from widget_server.model.errors import NotFoundError, RateLimitedError, TextRejectedError
from widget_server.operations.owners import corrections, sites, story_text
from widget_server.operations.owners.corrections import TypedCorrection
from widget_server.operations.owners.story_text import Image, TypedText
from widget_server.operations.publishing import check_page

MOST_SECONDS = 3.0


def processor_seconds() -> float:
    """Return the time that this process and its ended children worked: it does not grow with the machine's load."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.fixture
async def checked(server: Server, tmp_path: Path) -> AsyncIterator[Checked]:
    """Return a story with its text, on each engine, and a web server over TLS."""
    async with open_checked(server, tmp_path) as opened:
        yield opened


async def test_on_a_page_without_faults_none_is_invented(checked: Checked) -> None:
    found = await checked.check(checked.put(checked.parts().html()))
    assert {one.code for one in found.findings} == GOOD
    assert found.faults == ()


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda one: one.name)
async def test_every_known_fault_of_a_page_is_found_and_no_other(
    checked: Checked, fixture: Fixture
) -> None:
    elsewhere = checked.server.publisher.story()
    words = {
        "server": checked.services.server_origin,
        "code": checked.story.code,
        "expired": checked.token(exp=int(time.time()) - 60),
        "other": checked.server.publisher.token(elsewhere.key, origins=[checked.origin]),
        "elsewhere": checked.token(origins=["https://other.example"]),
    }
    change = {
        name: value.format(**words) if name == "snippet" else value
        for name, value in fixture.change.items()
    }
    address = checked.put(checked.parts(**change).html(), fixture.policy)
    begun = processor_seconds()
    found = await checked.check(address)
    assert processor_seconds() - begun <= MOST_SECONDS
    assert {one.code for one in found.findings} == GOOD - fixture.gone | fixture.wrong


async def test_there_are_twelve_pages_with_faults() -> None:
    assert len(FIXTURES) == 12
    assert len({one.name for one in FIXTURES}) == 12


async def test_each_fault_has_the_line_that_mends_it(checked: Checked) -> None:
    """Pasted into the page, the lines leave no fault."""
    server = checked.services.server_origin
    page = checked.parts(credit="x", licence="x", canonical="", script="none").html()
    found = await checked.check(checked.put(page))
    lines = {one.code: one.line for one in found.findings if one.line}
    assert set(lines) == {
        "credit_missing",
        "licence_missing",
        "canonical_missing",
        "script_missing",
    }
    mended = page.replace("</main>", "".join(lines.values()) + "</main>")
    assert await checked.codes(mended) == GOOD
    policy = "default-src 'self'"
    found = await checked.check(checked.put(mended, policy))
    added: dict[str, list[str]] = {}
    for one in found.findings:
        if one.code.startswith("policy_"):
            assert one.default_only
            kind, source = one.line.split(" ")
            added.setdefault(kind, []).append(source)
    assert set(added) == {"script-src", "connect-src"}
    whole = "; ".join([policy, *(f"{kind} {' '.join(one)}" for kind, one in added.items())])
    assert await checked.codes(mended, whole) == GOOD
    missing = checked.parts(snippet="Nothing", script="none", credit="x", licence="x").html()
    found = await checked.check(checked.put(missing))
    (line,) = (one.line for one in found.findings if one.code == "snippet_missing")
    assert f"{server}/embed.js" in line
    mended = missing.replace("</main>", line + "</main>")
    assert await checked.codes(mended) == GOOD - {"token_good"} | {"token_none"}


async def test_the_snippet_to_paste_has_the_corrections_of_the_story(checked: Checked) -> None:
    typed = TypedCorrection("There were thirty-eight boats.", passage="Forty-one boats")
    await corrections.correct(checked.services, OWNER, checked.story.code, typed)
    page = checked.parts(snippet="Read more tomorrow.", script="none").html()
    found = await checked.check(checked.put(page))
    (line,) = (one.line for one in found.findings if one.code == "snippet_missing")
    assert "There were thirty-eight boats." in line


async def test_the_passages_that_changed_are_those_of_the_storys_own_text(checked: Checked) -> None:
    older = checked.parts(text=BODY.replace("Thirty-eight", "Forty-one")).html()
    found = await checked.check(checked.put(older))
    (seen,) = (one for one in found.findings if one.code == "text_older")
    assert seen.missing == ("Thirty-eight boats left the harbour before dawn on Monday.",)
    assert seen.outdated == ("Forty-one boats left the harbour before dawn on Monday.",)
    assert seen.version == 1
    changed = checked.parts(text=BODY.replace("4.5&nbsp;%", "SECRET WORDS")).html()
    found = await checked.check(checked.put(changed))
    (seen,) = (one for one in found.findings if one.code == "text_changed")
    assert seen.missing == ("The mayor said that 4.5 % of the fleet is out of work.",)
    assert (seen.outdated, seen.version, seen.state) == ((), 2, "advice")
    assert "SECRET" not in repr(found)


async def test_without_the_storys_text_changes_are_not_known(checked: Checked) -> None:
    await story_text.remove(checked.services, OWNER, "paper", checked.story.code)
    assert await checked.codes(checked.parts().html()) == GOOD - {"text_same"} | {"text_not_known"}


async def test_a_page_in_other_words_is_not_called_wrong(checked: Checked) -> None:
    page = checked.parts(text="<p>Achtunddreißig Boote liefen aus.</p>").html()
    found = await checked.check(checked.put(page))
    assert {one.code for one in found.findings} == GOOD - {"text_same"} | {"text_none"}
    assert found.faults == ()


async def test_a_text_that_may_not_be_republished_is_compared_for_its_people_only(
    checked: Checked,
) -> None:
    """A stranger's page could otherwise be used to read it."""
    story = checked.server.publisher.story(license="LicenseRef-Own", title=TITLE)
    await checked.server.grant(story)
    typed = TypedText("<p>Words for our subscribers only.</p>")
    await story_text.put(checked.services, OWNER, "paper", story.code, typed)
    address = checked.put("<p>Nothing of it</p>")
    found = await checked.check(address, story.code)
    assert "subscribers" not in repr(found)
    own = await check_page.check_address(checked.services, OWNER, "paper", story.code, address)
    assert "text_none" in {one.code for one in own.findings}


async def test_rights_of_the_snippet_are_checked_as_for_readers(checked: Checked) -> None:
    services, parts = checked.services, checked.parts()
    token = checked.token(jti="taken-back")
    page = replace(parts, token=token).html()
    await sites.revoke(services, shell("test"), "paper", "taken-back")
    assert await checked.codes(page) == GOOD - {"token_good"} | {"token_revoked"}
    damaged = replace(parts, token=parts.token[:-3] + "abc").html()
    assert await checked.codes(damaged) == GOOD - {"token_good"} | {"token_invalid"}
    bare = parts.html().replace(f' data-widget-token="{parts.token}"', "")
    assert await checked.codes(bare) == GOOD - {"token_good"} | {"token_none"}
    await sites.shut_out(services, shell("test"), "paper", checked.origin, None)
    assert await checked.codes(parts.html()) == GOOD - {"token_good"} | {"shut_out"}


async def test_frames_elements_and_scripts_are_snippets_too(checked: Checked) -> None:
    server, code, token = checked.services.server_origin, checked.story.code, checked.token()
    without = GOOD - {"script_good"}
    for snippet, expected in {
        f'<iframe src="{server}/e/{token}"></iframe>': without,
        f'<iframe sandbox="allow-forms" src="{server}/e/{code}"></iframe>': without - {"token_good"}
        | {"frame_sandbox", "token_none"},
        f'<iframe sandbox="allow-scripts" src="{server}/e/{token}"></iframe>': without
        - {"token_good"}
        | {"token_sandbox"},
        f'<story-widget src="{server}/s/{code}" token="{token}"></story-widget>': GOOD,
        f'<script src="{server}/embed.js" data-story="{code}" data-widget-token="{token}"></script>': without,
        f'<a href="{server}/s/{code}" data-widget-token="{token}">React</a>': GOOD,
        f'Or <a href="{server}/s/{code}">react</a>.': without
        - {"snippet_good", "token_good", "policy_good"}
        | {"snippet_plain"},
        f'<noscript><a class="story-widget" href="{server}/s/{code}">React</a></noscript>': without
        - {"snippet_good", "token_good", "policy_good"}
        | {"snippet_plain"},
        f'<a class="story-widget" href="{server}/s/000000000000">React</a>': without
        - {"snippet_good", "token_good", "policy_good"}
        | {"snippet_other"},
    }.items():
        assert await checked.codes(checked.parts(snippet=snippet).html()) == expected, snippet
    framed = checked.parts(snippet=f'<iframe src="{server}/e/{token}"></iframe>').html()
    assert await checked.codes(framed, "frame-src 'none'") == without - {"policy_good"} | {
        "policy_frame"
    }


async def test_images_of_the_story_are_named_if_their_credit_is_missing(checked: Checked) -> None:
    images = [
        Image("https://press.example/a.jpg", "A boat", "Photo: Rui Costa"),
        Image("https://press.example/b.jpg", "The mayor", "An agency", included=False),
    ]
    typed = TypedText(TEXT, "markdown", images=images)
    await story_text.put(checked.services, OWNER, "paper", checked.story.code, typed)
    shown = '<img src="/media/a-1024x683.jpg"><img src="/media/B.jpg">'
    page = checked.parts(text=BODY + shown).html()
    found = {one.code: one for one in (await checked.check(checked.put(page))).findings}
    assert found["image_credit"].missing == ("Photo: Rui Costa",)
    assert found["image_not_included"].missing == ("The mayor",)
    good = checked.parts(text=BODY + '<img src="/a.jpg"><p>Photo: Rui Costa</p>').html()
    assert await checked.codes(good) == GOOD


async def test_what_may_stand_in_the_rest_of_a_long_page_is_not_called_missing(
    checked: Checked,
) -> None:
    page = "<title>Long</title><p>" + "word " * 120_000
    found = await checked.check(checked.put(page))
    assert found.faults == ()
    assert {"incomplete", "credit_unknown", "licence_unknown"} <= {
        one.code for one in found.findings
    }


async def test_every_refusal_has_the_same_answer(checked: Checked) -> None:
    pages = checked.pages
    pages.answers["/gone"] = html("no", "404 Not Found")
    pages.answers["/error"] = html("no", "500 Internal Server Error")
    pages.answers["/picture"] = html("x").replace(b"text/html", b"image/png")
    pages.answers["/inside"] = redirect("http://10.0.0.1/")
    pages.answers["/bomb"] = html("<div>" * 100_000)
    pages.answers["/nonsense"] = b"SSH-2.0-OpenSSH_9.2\r\n"
    said = set()
    for address in (
        *(f"{checked.origin}{one}" for one in ("/gone", "/error", "/picture", "/inside", "/bomb")),
        f"{checked.origin}/nonsense", f"http://page.example:{pages.port}/", "https://unknown.example/",
        "http://127.0.0.1/", "http://[::ffff:10.0.0.1]/", "https://page.example:22/", "localhost", "",
        "not an address", "javascript:alert(1)", "file:///etc/passwd", "https://user@page.example/",
        checked.services.server_origin, "https://page.example/" + "x" * 3_000,
    ):  # fmt: skip
        with pytest.raises(TextRejectedError) as refused:
            await checked.check(address)
        said.add((refused.value.field, refused.value.detail, refused.value.retry_after))
    assert said == {("page", check_page.UNREACHABLE, None)}


async def test_the_loopback_is_refused_by_the_rules_of_production(checked: Checked) -> None:
    address = checked.put(checked.parts().html())
    with pytest.raises(TextRejectedError):
        await check_page.check_as_stranger(
            checked.server.services, checked.story.code, address, NETWORK
        )
    assert checked.pages.connections == 0


async def test_a_closed_or_unknown_story_is_not_checked_for_strangers(checked: Checked) -> None:
    address = checked.put(checked.parts().html())
    with pytest.raises(NotFoundError):
        await checked.check(address, "000000000000")
    with pytest.raises(NotFoundError):
        await check_page.check_address(
            checked.services, shell("test"), "other", checked.story.code, address
        )
    assert checked.pages.connections == 0


async def test_checks_by_network_and_host_are_limited_also_over_redirects(
    tmp_path: Path, migrated_url: str
) -> None:
    limits = "check=4/3600,check_host=3/60"
    async with (
        open_server(tmp_path, migrated_url, rate_limits=limits) as server,
        PageServer() as pages,
    ):
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        story = server.publisher.story(title="T")
        await server.grant(story)
        services = replace(server.services, fetcher=pages.fetcher({"second.example": [LOOPBACK]}))
        pages.answers["/"] = html("<p>Hello")
        pages.answers["/away"] = redirect(pages.url("/", "second.example"))

        async def check(path: str, network: str, host: str = "page.example") -> None:
            await check_page.check_as_stranger(services, story.code, pages.url(path, host), network)

        for network in ("one", "two", "three"):
            await check("/away", network)
        for host in ("page.example", "second.example"):
            with pytest.raises(RateLimitedError):
                await check("/", "four", host)
        assert len(pages.requests) == 6
        for _ in range(3):
            with pytest.raises(TextRejectedError):
                await check("/", "five", "unknown.example")
        with pytest.raises(RateLimitedError):
            await check("/", "five", "unknown.example")
        services = replace(services, page_checks=asyncio.Semaphore(0))
        with pytest.raises(RateLimitedError) as busy:
            await check("/", "six", "third.example")
        assert busy.value.retry_after == check_page.BUSY_S
