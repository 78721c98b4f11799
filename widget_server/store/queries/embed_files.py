"""The embed's files of all builds that were ever served from this database."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import embed_files
from widget_server.store.transactions import TransactionFn, insert_into


class EmbedFiles:
    """Reads of the table. A file never changes: its name has its content's hash in it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def names(self, connection: AsyncConnection) -> frozenset[str]:
        """The name of each file."""
        return frozenset((await connection.execute(select(embed_files.c.name))).scalars())

    @read_transaction
    async def content(self, connection: AsyncConnection, name: str) -> str | None:
        """The file with this name."""
        query = select(embed_files.c.content).where(embed_files.c.name == name)
        return (await connection.execute(query)).scalar_one_or_none()


def store_embed_files(files: dict[str, str]) -> TransactionFn[None]:
    """Add files, name to content, that are not there yet. Safe to run by several."""

    async def run(connection: AsyncConnection) -> None:
        rows = [{"name": name, "content": content} for name, content in sorted(files.items())]
        await connection.execute(
            insert_into(connection, embed_files).on_conflict_do_nothing(), rows
        )

    return run
