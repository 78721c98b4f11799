"""Rows of tables as typed dictionaries, with a key for every column."""

from typing import TypedDict


class CommentRow(TypedDict):
    """A row of `comments`, with every column of the table."""

    id: str
    story: int
    parent: str | None
    thread: str
    born: int
    seq: int
    state: str
    source: str
    text: str
    waiting_source: str | None
    waiting_text: str | None
    name: str | None
    vouched: bool
    email: str | None
    website: str | None
    role: str | None
    reader: str
    copy: int | None
    lang: str | None
    created_at: int
    edited_at: int | None
    changed_at: int
    pinned: bool
    client_key: str
    version: int
    counts: str
    score: int
    revision: int
    licence: str | None
    featured_at: int | None
    tags: str | None


class StoryRow(TypedDict):
    """A row of `stories`, with every column of the table."""

    id: int
    code: str
    site: str
    key: str
    title: str | None
    author: str | None
    publisher: str | None
    url: str | None
    license: str
    attributed: int
    closed: bool
    notice: str | None
    seq: int
    tallies: int
    version: int
    counts: str
    published: int
    created_at: int
    decisions: int
    log_hash: str
    closes_at: int | None
    settings: str | None
    changed_at: int
    translations: str | None
    corrections: str | None


class ReactionRow(TypedDict):
    """A row of `reactions`, with every column of the table."""

    story: int
    target: str
    reader: str
    reaction: str
    copy: int | None
    at: int


class ReportRow(TypedDict):
    """A row of `reports`, with every column of the table."""

    comment: str
    reader: str
    reason: str | None
    at: int
    category: str | None
    muted_by: str | None


class KeptRow(TypedDict):
    """A row of `kept_texts`, with every column of the table."""

    comment: str
    decision: str
    why: str
    until: int
    sealed: str


class CaseRow(TypedDict):
    """A row of `cases`, with every column of the table but `id`, which an unstored row lacks."""

    site: str
    story: int
    comment: str
    queue: str
    reasons: str
    priority: int
    opened_at: int
    revision: int
    closed_at: int | None
    decision: str | None
    copy: int | None
    lang: str | None


class HintRow(TypedDict):
    """A row of `hints`, with every column of the table."""

    id: str
    site: str
    story: int
    reader: str
    at: int
    text: str | None
    passage: str | None
    credit: str | None
    state: str
    decision: str | None
    decided_at: int | None
    answer: str | None
    credited: bool
    until: int | None
