"""Limits that more than one package uses. A limit with one user stands beside its user.

No response grows with the story (docs/developers/protocol.md, guarantee 7). Sizes are bytes of JSON.
"""

MAX_RESPONSE_BYTES = 256 * 1024
"""One response, before compression."""
MAX_COMMENTS_BYTES = 82 * 1024
"""The comments in a response. The rest is for `mine`, settings, attribution, corrections and translations."""
MAX_SETTINGS_BYTES = 40 * 1024
"""The settings in a response, with the site's texts in all languages."""
MAX_OWN_BYTES = 62 * 1024
"""A reader's own comments in a snapshot."""
MAX_OWN_HINTS_BYTES = 8 * 1024
"""The words of a reader's own hints in a snapshot. Without words, ten of them are at most 2 KiB."""
MAX_OWN_REACTIONS = 400
"""A reader's newest reactions to comments in a snapshot: 24 KiB."""
MAX_HIDDEN_BYTES = 10 * 1024
"""The ids of comments that a copy hides, in its snapshot."""
MAX_THREADS = 100
"""Threads on one page of comments, in JSON and in HTML."""
MAX_COMMENT_LENGTH = 5_000
"""Code points of a comment. The embed receives the number as `max_length` and counts down."""
MAX_TOKEN_LENGTH = 4_096
"""Characters of a token."""
MAX_PAGE = 100
"""Rows of one page of an owner's list, of cases or of comments."""
MAX_PAGE_LENGTH = 2_000
"""Characters of the address of a page that carries a copy."""
MAX_LANGUAGE_LENGTH = 35
"""Characters of a language tag (RFC 5646, section 4.4.1)."""
MIN_SECRET_LENGTH = 16
"""Characters of a server secret."""
MAX_PROOF_LENGTH = 1_000
"""Characters of a proof of work."""
