"""How long an answer may be: none grows with the story (rule 7 of the protocol). In bytes of JSON."""

MAX_RESPONSE_BYTES = 256 * 1024
"""An answer, before compression."""
MAX_COMMENTS_BYTES = 136 * 1024
"""The comments in it. What stands around them takes the rest: `mine`, settings, attribution."""
MAX_OWN_BYTES = 72 * 1024
"""A reader's own comments in a snapshot."""
MAX_OWN_REACTIONS = 400
"""A reader's reactions to comments in a snapshot, the newest: 24 KiB."""
