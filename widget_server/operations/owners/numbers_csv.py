"""The numbers of a site as CSV files, safe against formulas."""

from collections.abc import Iterable, Sequence

from widget_server.operations.owners.csv_lines import csv_line
from widget_server.operations.owners.numbers import Matrix, Share


def csv_shares(of: str, shares: Sequence[Share]) -> Iterable[str]:
    """Yield the lines of a CSV file with the numbers of each copy or language."""
    yield csv_line((of, "name", "reactions", "comments"))
    for one in shares:
        yield csv_line((one.key, one.name, one.reactions, one.comments))


def csv_matrix(matrix: Matrix) -> Iterable[str]:
    """Yield the lines of a CSV file: a story and an origin with their numbers on each line."""
    yield csv_line(("story", "title", "origin", "reactions", "comments"))
    for story in matrix.stories:
        for origin in matrix.origins:
            cell = matrix.cells.get((story.code, origin))
            if cell is not None:
                yield csv_line((story.key, story.title, origin, cell.reactions, cell.comments))
