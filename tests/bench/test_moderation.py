"""Tests of the figures of moderation: the table in the document, and the lines it keeps."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.bench.moderation.__main__ import app
from tests.bench.moderation.figures import BEGIN, END, Asked, Group, put_into, shown, table_of
from tests.bench.moderation.groups import GROUPS

DOCUMENT = Path(__file__).parents[2] / "docs/operators/moderation.md"


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "-".join(map(str, group.numbers)))
def test_the_document_has_each_figure_with_the_goal_and_the_command_of_today(group: Group) -> None:
    found = {
        tuple(cell.strip() for cell in line.split("|")[1:4]): line for line in table_of(DOCUMENT)
    }
    for one in group.asked:
        line = found[str(one.number), one.says, one.goal]
        assert group.command in line
        assert group.seed in line
        if one.goal:
            assert ("**missed**" in line) != (" met " in line)


def test_each_value_belongs_to_one_figure_and_every_line_is_said_once() -> None:
    every = [one for group in GROUPS for one in group.asked]
    assert len({one.says for one in every}) == len(every)
    numbers = [number for group in GROUPS for number in group.numbers]
    assert sorted(set(numbers)) == sorted(numbers)
    assert len(table_of(DOCUMENT)) == len(every)


def test_new_lines_replace_those_of_their_figures_and_all_others_stay(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    asked = (Asked(2, "slow", 5, "ms"), Asked(11, "many", 20, "a second", at_least=True))
    group = Group(asked, "seed 1", "command", lambda _tell: {})
    put_into(document, group.lines({"slow": 7, "many": 1_234.5}))
    assert table_of(document) == [
        "| 2 | slow | ≤ 5 ms | 7 ms | **missed** | seed 1, `command` |",
        "| 11 | many | ≥ 20 a second | 1,234 a second | met | seed 1, `command` |",
    ]
    one = Group((Asked(3, "new", None, "s"), Asked(2, "slow", 5, "ms")), "", "x", lambda _tell: {})
    put_into(document, one.lines({"new": 0.12345, "slow": 5}))
    assert [line.split(" | ")[:5] for line in table_of(document)] == [
        ["| 2", "slow", "≤ 5 ms", "5 ms", "met"],
        ["| 3", "new", "", "0.123 s", ""],
        ["| 11", "many", "≥ 20 a second", "1,234 a second", "met"],
    ]
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert group.lines({"slow": 7})[1].startswith("| 11 | many | ≥ 20 a second | not measured |")
    document.write_text("no marks")
    with pytest.raises(ValueError, match="no marks for the table"):
        put_into(document, [])


def test_a_figure_that_does_not_exist_is_refused_with_the_numbers_that_do() -> None:
    result = CliRunner().invoke(app, ["--only", "99"])
    assert result.exit_code == 2
    assert "no figure 99" in result.output


def test_three_digits_are_shown() -> None:
    assert [shown(value) for value in (0.01234, 12.345, 1_234.5, 10_000)] == [
        "0.0123",
        "12.3",
        "1,234",
        "10,000",
    ]
