"""Files of all embed builds that were ever served from this database."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.engine import Database, read_transaction
from widget_server.store.schema import embed_files
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import insert_ignore


class EmbedFiles:
    """Reads of `embed_files`. A file never changes: its name contains the hash of its content."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def names(self, connection: AsyncConnection) -> frozenset[str]:
        """Return the name of each file."""
        return frozenset((await connection.execute(select(embed_files.c.name))).scalars())

    @read_transaction
    async def content(self, connection: AsyncConnection, name: str) -> str | None:
        """Return the content of the file with this name, or None."""
        query = select(embed_files.c.content).where(embed_files.c.name == name)
        return (await connection.execute(query)).scalar_one_or_none()


def store_embed_files(files: dict[str, str]) -> TransactionFn[None]:
    """Add files (name to content) that are not stored yet. Several processes may run this at once."""

    async def run(connection: AsyncConnection) -> None:
        rows = [{"name": name, "content": content} for name, content in sorted(files.items())]
        await connection.execute(insert_ignore(embed_files, connection.dialect), rows)

    return run
