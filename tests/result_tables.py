"""Tables in Markdown that test runs write into documents."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int) -> str:
    """Return a table. The first `words` columns are aligned to the left, the others, numbers, to the right."""
    rule = ["---" if index < words else "---:" for index in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def write_table(path: Path, name: str, table: str) -> None:
    """Replace the text between the marks of that name in a document by the table."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = path.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path} has no marks {begin} and {end}.")
    path.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}", "utf-8")
