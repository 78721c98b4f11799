"""A process in which one moderator takes cases, or reads them only, and decides at full speed until none is left."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.operations.operations_harness import open_server
from tests.operations.owner_harness import person
from widget_server.model.decisions import Case
from widget_server.model.errors import CaseClosedError
from widget_server.operations.moderation import cases, queue

ALL = queue.filter_of()


def main(database_url: str, folder: str, name: str, *more: str) -> None:
    """Decide about all cases of the site `paper`.

    With `holds` only take some, say so, and wait for ever. With `races` take none: others decide the same.
    """
    asyncio.run(
        _main(database_url, Path(folder), name, holds="holds" in more, races="races" in more)
    )


async def _main(database_url: str, folder: Path, name: str, *, holds: bool, races: bool) -> None:
    by = replace(person("moderator"), id=name)
    report = folder / name
    async with open_server(folder / f"data-{name}", database_url) as server:
        services = server.services
        if holds:
            cards = await queue.take(services, by, "paper", ALL, limit=10, seconds=3)
            report.write_text("\n".join(str(card.case.id) for card in cards) + "\n")
            await asyncio.Event().wait()

        async def next_ones() -> list[Case]:
            if races:
                return await cases.open_cases(services, by, "paper", ALL, limit=10)
            return [one.case for one in await queue.take(services, by, "paper", ALL, limit=10)]

        with report.open("a") as lines:
            while found := await next_ones():
                for case in found:
                    verb = "approve" if case.id % 2 else "reject"
                    try:
                        await queue.decide_case(
                            services,
                            by,
                            "paper",
                            case.id,
                            verb,  # type: ignore[arg-type]
                            revision=case.comment.revision,
                        )
                    except CaseClosedError:
                        lines.write(f"closed {case.id}\n")
                    else:
                        lines.write(f"{case.id}\n")
                lines.flush()


if __name__ == "__main__":
    _, url, place, who, *more = sys.argv
    main(url, place, who, *more)
