"""Large numbers have the separators of the account's language, wherever people read them."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.dashboard.desk import Desk, first, open_desk
from tests.node import node
from widget_server.store.schema import cases, comments, stories
from widget_server.store.schema_queue import case_counts
from widget_server.web.dashboard.texts import Translate
from widget_server.web.dashboard.times import HOUR, Clock, duration
from widget_server.web.pages.translate import LOCALES, written_number

MANY = 1_203
"""Cases that wait: few enough to be stored in a second, and with a separator in most languages."""
WRITTEN = {"en": "1,203", "de": "1.203", "fr": "1\u202f203", "es": "1203", "ar": "1,203"}


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


def test_a_number_is_written_as_browsers_write_it_in_every_language() -> None:
    numbers = [0, 7, 999, 1000, 9999, 10_000, 123_456, 1_234_567, -1200, -12_345]
    script = (
        "const [langs, numbers] = JSON.parse(process.argv[1]);"
        "const written = (lang, digits) => numbers.map((one) => new Intl.NumberFormat(lang,"
        " { numberingSystem: 'latn', minimumFractionDigits: digits, maximumFractionDigits: digits })"
        ".format(one));"
        "console.log(JSON.stringify(langs.map((lang) => [written(lang, 0), written(lang, 1)])));"
    )
    langs = sorted(LOCALES)
    done = subprocess.run(
        [node(), "-e", script, json.dumps([langs, numbers])],
        check=True,
        capture_output=True,
        timeout=60,
    )
    for lang, by_digits in zip(langs, json.loads(done.stdout), strict=True):
        for digits, expected in enumerate(by_digits):
            # Arabic has an invisible mark of direction before a minus. No count is negative.
            plain = [one.replace("\u200e", "") for one in expected]
            assert [written_number(lang, one, digits) for one in numbers] == plain, lang


def test_a_text_writes_the_numbers_in_it_and_keeps_its_plural_form() -> None:
    assert Translate("en")("copies_n", n=12_345) == "12,345 copies"
    assert Translate("de")("copies_n", n=12_345) == "12.345 Kopien"
    assert Translate("fr")("copies_n", n=12_345) == "12\u202f345 copies"
    assert Translate("en")("copies_n", n=1) == "1 copy"


def test_a_year_has_no_separator_and_a_length_of_time_has_the_decimal_sign() -> None:
    assert Clock(Translate("en"), now=0).day(1_805_000_000_000) == "14 March 2027"
    assert duration(Translate("en"), 3 * HOUR + HOUR // 2) == "3.5 h"
    assert duration(Translate("de"), 3 * HOUR + HOUR // 2) == "3,5 Std."
    assert duration(Translate("de"), 3 * HOUR) == "3 Std."


def test_the_limit_in_an_error_is_written_as_the_language_writes_it() -> None:
    said = "A note is at most 2,000 characters long."
    assert Translate("en").error(said) == said
    assert "2.000" in Translate("de").error(said)
    assert "2\u202f000" in Translate("fr").error(said)


async def fill(desk: Desk) -> str:
    """Let many comments wait, and give their story many reactions. Return its code."""
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried(title="The library")
    comment = await desk.write(grant)

    async def many(connection: Any) -> None:
        for table, key in ((comments, "id"), (cases, "comment")):
            found = await connection.execute(select(table).where(table.c[key] == comment.id))
            row = dict(found.mappings().one())
            if table is cases:
                del row["id"]
            copies = [
                row | {key: f"c{number:015}"} | ({"client_key": f"{number}"} if key == "id" else {})
                for number in range(MANY - 1)
            ]
            await connection.execute(insert(table), copies)
        await connection.execute(update(case_counts).values(number=MANY))
        await connection.execute(update(stories).values(counts=json.dumps({"happy": 45_678})))

    await desk.services.writer.run_in_transaction(many)
    return grant.story.code


async def test_every_count_of_the_queue_and_of_home_is_written_in_the_accounts_language(
    desk: Desk,
) -> None:
    await fill(desk)
    for lang, written in WRITTEN.items():
        desk.owner.http.headers["Accept-Language"] = lang
        for place in ("queue?queue=pending", "queue?queue=pending&view=list"):
            page = await desk.owner.get(place)
            for name in ("pending", "all", "waits"):
                counts = [one.text() for one in page.css(f"[data-count={name}]")]
                assert counts, (place, name)
                assert set(counts) == {written}, (place, name)
            assert f", {written}" in first(page, "h1").text()
            assert first(page, "title").text().startswith(f"({written})")
        home = await desk.owner.get("home")
        assert written in [one.text() for one in home.css(".todo b")]
        assert written == str(MANY) or str(MANY) not in first(home, "main").text()
        found = await desk.owner.get("queue/batch?phrase=hello&verb=remove")
        assert written in first(found, "#finds").text()
        assert any(written in one.text() for one in found.css("form[method=post] button"))


async def test_the_reactions_of_a_story_are_written_alike_on_every_page_and_in_what_is_fetched_later(
    desk: Desk,
) -> None:
    code = await fill(desk)
    desk.owner.http.headers["Accept-Language"] = "de"
    for place in ("stories", f"stories/{code}", f"stories/counts?code={code}"):
        page = await desk.owner.get(place)
        assert first(page, f"#x-{code}").text() == "45.678", place


async def test_what_scripts_and_addresses_read_keeps_plain_digits(desk: Desk) -> None:
    await fill(desk)
    desk.owner.http.headers["Accept-Language"] = "de"
    answer = await desk.owner.post("queue/take", queue="pending", n="1")
    counts = answer.json()["counts"]
    assert (counts["pending"], counts["all"], counts["waits"]) == (MANY, MANY, MANY)
    page = await desk.owner.get("queue?queue=pending")
    for one in page.css("[href], [value], [data-case], [data-filter]"):
        for name in ("href", "value", "data-case", "data-filter"):
            assert "1.203" not in (one.attributes.get(name) or ""), one.html
