"""Tables of local moderators: what is hidden on one copy, and what waits there.

`schema` imports it. Times are milliseconds since 1970.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

from widget_server.store.metadata import Id, metadata

# No foreign key to comments: a restored backup may lack a comment, and a hidden one that is gone hides nothing.
hidden_comments = Table(
    "hidden_comments",
    metadata,
    Column(
        "copy",
        Id,
        ForeignKey("copies.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("comment", String(16), primary_key=True),
    # The comment that was hidden. It is `comment` itself, or a comment that `comment` answers.
    Column("root", String(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    # Whether one of the site's own people hid it. A local moderator cannot lift that.
    Column("by_site", Boolean, nullable=False),
)
Index("ix_hidden_comments_comment", hidden_comments.c.comment)

# Copies whose readers' new comments wait for a moderator.
copy_approvals = Table(
    "copy_approvals",
    metadata,
    Column(
        "copy",
        Id,
        ForeignKey("copies.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at", BigInteger, nullable=False),
    # Whether one of the site's own people switched it on. A local moderator cannot switch that off.
    Column("by_site", Boolean, nullable=False),
)

# Comments that wait only because their copy has a row in `copy_approvals`. A local moderator may publish these.
local_waits = Table(
    "local_waits",
    metadata,
    Column("comment", String(16), primary_key=True),
)

LOCAL_QUEUES = ("pending", "edits")
"""Queues of cases that may wait for nothing but a local moderator: their comment is in `local_waits`."""
