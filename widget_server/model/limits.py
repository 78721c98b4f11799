"""Limits of responses, in bytes of JSON: no response grows with the story (PROTOCOL, rule 7)."""

MAX_RESPONSE_BYTES = 256 * 1024
"""A response, before compression."""
MAX_COMMENTS_BYTES = 136 * 1024
"""The comments in a response. The rest is for `mine`, settings and attribution."""
MAX_OWN_BYTES = 72 * 1024
"""A reader's own comments in a snapshot."""
MAX_OWN_REACTIONS = 400
"""A reader's newest reactions to comments in a snapshot: 24 KiB."""
