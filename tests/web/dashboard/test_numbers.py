"""The page of numbers: charts, their tables, and CSV files."""

import csv
import io
import re
from typing import Any

import pytest
from sqlalchemy import update

from tests.operations.owner_harness import OWNER, Statements, carry, feel, write
from tests.web.dashboard.desk import ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.model.actors import Role
from widget_server.operations.moderation import decide
from widget_server.store.schema import cases
from widget_server.web.dashboard import charts
from widget_server.web.dashboard.texts import Translate

ENGLISH = Translate("en").number

VIEWS = (
    "numbers",
    "numbers?view=copies",
    "numbers?view=languages",
    "numbers?view=talk",
    "numbers?view=decisions",
)


async def fill(desk: Desk, label: str = "Northside") -> None:
    """Let readers of two pages react and write."""
    story = desk.server.publisher.story(title="The <i>library</i>", label=label, lang="fr")
    first, _ = await carry(desk.server, story, "https://a.example")
    second, _ = await carry(desk.server, story, "https://b.example")
    for reaction in ("happy", "happy", "sad"):
        await feel(desk.server, first, reaction)
    await feel(desk.server, second)
    await write(desk.server, first)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", VIEWS)
async def test_only_roles_that_may_read_numbers_see_them(desk: Desk, role: Role, view: str) -> None:
    await desk.get(view, role, 200 if permits(role, "read_numbers") else 403)


async def test_other_sites_numbers_are_not_there(desk: Desk) -> None:
    for path in (*VIEWS, "numbers.csv"):
        await desk.get(path, "elsewhere", 404)


async def test_each_chart_has_a_title_a_sentence_and_the_same_figures_as_a_table(
    desk: Desk,
) -> None:
    await fill(desk)
    page = await desk.get("numbers")
    assert page.count('<svg class="chart gut"') == page.count("<desc id=") == 3
    assert page.count('<details class="data">') == 3
    assert "4 in all, between 0 and 4; most on" in page
    bars = re.findall(r"<title>\S+ (\d+) (Happy|Sad)</title>", page)
    assert sorted(bars) == [("1", "Sad"), ("3", "Happy")]
    table = page.partition('id="n1-table"')[2].partition("</table>")[0]
    cells = [int(n) for n in re.findall(r'<td class="r[^"]*">(\d+)</td>', table)]
    assert sum(cells) == 4
    assert max(cells) == 3
    assert not re.search(
        r"style=|<script>|onclick", page.partition("<main")[2].partition("</main")[0]
    )


async def test_an_empty_time_says_what_will_come(desk: Desk) -> None:
    await fill(desk)
    page = await desk.get("numbers?from=2001-01-01&to=2001-01-14")
    assert "No numbers in this time" in page
    assert "From 2001-01-01 to 2001-01-14" in page
    wrong = await desk.get("numbers?zone=The%20moon", status=422)
    assert "Name a time zone as Europe/Lisbon or UTC." in wrong


async def test_copies_languages_and_the_matrix_show_who_talks(desk: Desk) -> None:
    await fill(desk, label="<b>Northside</b>")
    copies = await desk.get("numbers?view=copies")
    assert "<b>Northside</b>" not in copies
    assert "&lt;b&gt;Northside&lt;/b&gt;" in copies
    assert " fr 4 1" in text_of(await desk.get("numbers?view=languages"))
    talk = await desk.get("numbers?view=talk")
    assert "<i>library</i>" not in talk
    assert re.search(r'<td class="g4" title="Comments: 1. Reactions: 3.">1</td>', talk)
    assert re.search(r'<td class="g0" title="Comments: 0. Reactions: 1."></td>', talk)


async def test_the_csv_files_are_safe_against_formulas(desk: Desk) -> None:
    await fill(desk, label="=1+1")
    for view in VIEWS:
        answer = await desk.owner.get(
            f"/admin/sites/paper/{view.replace('numbers', 'numbers.csv')}"
        )
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    answer = await desk.owner.get("/admin/sites/paper/numbers.csv?view=copies")
    assert "'=1+1" in answer.text


@pytest.mark.parametrize("view", VIEWS)
async def test_the_first_answer_reads_at_most_five_statements(desk: Desk, view: str) -> None:
    await fill(desk)
    await desk.get(view)
    with Statements(desk.server) as statements:
        await desk.get(view)
    assert 1 <= len(statements.texts) <= 5


def test_bars_stand_on_each_other_and_stay_below_the_highest_line() -> None:
    series = [("k0", "A", [3, 0]), ("k1", "B", [4, 100])]
    chart = charts.bar_chart(["1", "2"], series, ENGLISH)
    first, second, _ = chart.rects
    assert first.y + first.height == pytest.approx(chart.base)
    assert second.y + second.height == pytest.approx(first.y)
    assert min(rect.y for rect in chart.rects) >= charts.TOP - 1e-9
    assert [line.label for line in chart.lines] == ["50", "100", "150"]


@pytest.mark.parametrize("most", [0, 1, 2, 7, 61, 751, 1_000_000])
def test_the_grid_reaches_the_highest_value(most: int) -> None:
    chart = charts.bar_chart(["x"], [("k0", "A", [most])], ENGLISH)
    assert len(chart.lines) == charts.MOST_LINES
    assert int(chart.lines[-1].label.replace(",", "")) >= most
    assert int(chart.lines[-1].label.replace(",", "")) <= max(3, most * 3)


def test_a_long_time_has_few_labels() -> None:
    labels = [str(day) for day in range(365)]
    chart = charts.bar_chart(labels, [("k0", "A", [1] * 365)], ENGLISH)
    assert len(chart.labels) <= charts.MOST_LABELS
    assert len(chart.rects) == 365


async def test_times_to_a_decision_have_a_chart_and_the_same_figures_as_a_table(
    desk: Desk,
) -> None:
    assert "No decisions in this time" in await desk.get("numbers?view=decisions")
    await desk.server.set(("moderation", "pre"))
    grant, _ = await carry(desk.server, desk.server.publisher.story(), "https://a.example")
    waiting = [await write(desk.server, grant) for _ in range(3)]

    async def earlier(connection: Any) -> None:
        moved = update(cases).values(opened_at=cases.c.opened_at - 5_400_000)
        await connection.execute(moved)

    await desk.services.writer.run_in_transaction(earlier)
    for comment in waiting:
        await decide.decide(desk.services, OWNER, "approve", comment.id)
    page = await desk.get("numbers?view=decisions")
    assert "Pending 3 1.5 h 1.5 h" in text_of(page)
    assert page.count('<svg class="chart gut"') == page.count("<desc id=") == 1
    assert "3 cases. Half were decided within 1.5 h, 9 of 10 within 1.5 h." in page
    table = page.partition('id="q-pending-table"')[2].partition("</table>")[0]
    assert text_of(table).count("3 1.5 h 1.5 h") == 1
    answer = await desk.owner.get("/admin/sites/paper/numbers.csv?view=decisions")
    assert ",pending,3,5400,5400" in answer.text
