"""Table of what the capacity of a site makes of its comments now.

`schema` imports it. Times are milliseconds since 1970.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from widget_server.store.metadata import metadata

# A site without a row is open. The row stays when it opens again.
capacity_states = Table(
    "capacity_states",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    # `open`, `approval` or `closed`.
    Column("mode", String(10), nullable=False),
    Column("since", BigInteger, nullable=False),
)
