"""How long an answer may be: none grows with the story (rule 7 of the protocol). In bytes of JSON."""

MOST_ANSWER = 256 * 1024
"""An answer, before compression."""
MOST_COMMENTS = 136 * 1024
"""The comments in it. What stands around them takes the rest: `mine`, settings, attribution."""
MOST_MINE = 72 * 1024
"""A reader's own comments in a snapshot."""
MOST_OWN_REACTIONS = 400
"""A reader's reactions to comments in a snapshot, the newest: 24 KiB."""
