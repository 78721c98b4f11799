"""The table of stories' texts, for republishers."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from widget_server.store.metadata import Id, metadata

# The last versions of a story's text. A republisher's page may be older than the newest one.
story_texts = Table(
    "story_texts",
    metadata,
    Column("story", Id, ForeignKey("stories.id"), primary_key=True, autoincrement=False),
    # 1, 2, 3, …, never used again.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("title", Text),
    # `html` or `markdown`: what `source` is written in.
    Column("format", String(10), nullable=False),
    # As the publisher sent it.
    Column("source", Text, nullable=False),
    # JSON of the allowed nodes, made from `source`. Pages show only this.
    Column("tree", Text, nullable=False),
    # JSON list of objects: address, what is seen, credit, licence, and whether it may be republished.
    Column("images", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
