"""The numbers of a site as CSV files, safe against formulas."""

from collections.abc import Iterable, Sequence

from widget_server.operations.owners.csv_lines import csv_line
from widget_server.operations.owners.numbers import Matrix, Share


def csv_shares(copies: Sequence[Share], languages: Sequence[Share]) -> Iterable[str]:
    """Yield the lines of a CSV file with the numbers of each copy, then of each language."""
    yield csv_line(("of", "key", "name", "reactions", "comments"))
    for kind, shares in (("copy", copies), ("language", languages)):
        for one in shares:
            yield csv_line((kind, one.key, one.name, one.reactions, one.comments))


def csv_matrix(matrix: Matrix) -> Iterable[str]:
    """Yield the lines of a CSV file: a story and an origin with their numbers on each line."""
    yield csv_line(("story", "title", "origin", "reactions", "comments"))
    for story in matrix.stories:
        for origin in matrix.origins:
            cell = matrix.cells.get((story.code, origin))
            if cell is not None:
                yield csv_line((story.key, story.title, origin, cell.reactions, cell.comments))
