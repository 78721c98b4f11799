"""Shapes of the identifiers that clients, publishers and operators send. Use `fullmatch`."""

import re

STORY_CODE = re.compile(r"[0-9A-Za-z]{12}")
"""A story's public code: 12 base62 digits (`auth/tokens.py: story_code`)."""
COMMENT_ID = re.compile(r"[0-9A-Za-z_-]{1,16}")
"""A comment's public id."""
SITE_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""A site's name in tokens and commands: 1 to 40 of a-z, 0-9 and -, not starting with -."""
TOKEN_ID = re.compile(r"[\x21-\x7e]{1,64}")
"""A token's id (`jti`): 1 to 64 visible ASCII characters."""
READER_ID = re.compile(r"[0-9a-f]{32}")
"""A reader's id (`rid`): 128 bits in hex."""
IDEMPOTENCY_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}")
"""The key that a client gives a comment, so that a resent comment is stored once."""
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
"""The shape of a language tag (RFC 5646, section 2.1). Longest: `limits.MAX_LANGUAGE_LENGTH`."""
