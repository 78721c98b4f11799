"""Tables of rules about comments. `schema` re-exports them. Times are milliseconds since 1970."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from widget_server.store.metadata import Id, metadata

rules = Table(
    "rules",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    # Null: all stories of the site.
    Column("story", Id, ForeignKey("stories.id")),
    # Null: all copies of the story.
    Column("copy", Id, ForeignKey("copies.id", ondelete="CASCADE")),
    Column("name", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("action", String(10), nullable=False),
    # `off`, `shadow` or `on`.
    Column("mode", String(10), nullable=False),
    # JSON object: languages, words, limits, guideline.
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # Who made it and who gave it its mode, as `account:…`, `key:…` or `shell:…`.
    Column("by", String(120), nullable=False),
    Column("mode_at", BigInteger, nullable=False),
    Column("mode_by", String(120), nullable=False),
    # Comments that it refused: they are not stored.
    Column("blocked", Integer, nullable=False, server_default="0"),
    # Writers who were asked to think again, and those who then sent another text or the same.
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("edited", Integer, nullable=False, server_default="0"),
    Column("insisted", Integer, nullable=False, server_default="0"),
)
Index("ix_rules_site", rules.c.site, rules.c.created_at)
# Without it, the deletion of an unused copy would read all rules.
Index("ix_rules_copy", rules.c.copy)

# Comments that rules hit, also rules in shadow. A row names a comment and contains no word of it.
rule_hits = Table(
    "rule_hits",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    # A rule's id. No foreign key: the learner writes hits too.
    Column("rule", String(16), primary_key=True),
    Column("comment", String(16), ForeignKey("comments.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    # Whether the comment, or an edit of it, was held. False: the rule was in shadow.
    Column("acting", Boolean, nullable=False),
)
Index("ix_rule_hits_site_rule_at", rule_hits.c.site, rule_hits.c.rule, rule_hits.c.at)
Index("ix_rule_hits_comment", rule_hits.c.comment)
Index("ix_rule_hits_at", rule_hits.c.at)

# Fingerprints of texts of the last minutes, by which every process finds a repetition. No foreign keys, so
# that a fingerprint never delays a deletion.
text_marks = Table(
    "text_marks",
    metadata,
    Column("comment", String(16), primary_key=True),
    Column("site", String(40), nullable=False),
    # The client's key: the same comment sent again repeats nothing.
    Column("draft", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
)
Index("ix_text_marks_site_at", text_marks.c.site, text_marks.c.at)

# Writers of whom a rule asked to think again in the last hour, until they send their comment.
asked_drafts = Table(
    "asked_drafts",
    metadata,
    Column("story", Id, primary_key=True, autoincrement=False),
    Column("reader", String(32), primary_key=True),
    Column("rule", String(16), nullable=False),
    # Hash of the client's key and the text.
    Column("draft", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_asked_drafts_reader", asked_drafts.c.reader)
