"""Record that readers of single copies are told something else, so that every process tells their open pages."""

from typing import Any

from sqlalchemy import Select, literal, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import changed_copies, sites
from widget_server.store.writing.bulk import upsert_from


async def record_changed_copies(
    connection: AsyncConnection, site: str, chosen: Select[Any]
) -> None:
    """Increment the site's `copy_changes` and note the number for each copy whose id `chosen` selects.

    It locks the site's row. To lock in one order, call it after locks of stories and before those of copies.
    """
    counted = await connection.execute(
        update(sites)
        .where(sites.c.slug == site)
        .values(copy_changes=sites.c.copy_changes + 1)
        .returning(sites.c.copy_changes)
    )
    number = counted.scalar_one_or_none()
    if number is None:
        return
    await connection.execute(
        upsert_from(
            changed_copies,
            ("copy", "site", "number"),
            ("copy",),
            chosen.subquery("chosen"),
            {"site": literal(site), "number": literal(number)},
            changed_copies.c.number < number,
            connection.dialect.name,
        )
    )
