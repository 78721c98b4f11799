"""Where a republisher may publish: the form of the snippet that fits, and the steps to paste it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A system that stories are published with. Names are texts of the pages, or proper names."""

    name: str
    """A proper name, or empty: the text `place_KEY`."""
    form: str
    """One of `protocol.snippet.FORMS`."""
    steps: tuple[tuple[str, str], ...]
    """Keys of texts, each with what is put in for `{what}`."""
    notes: tuple[str, ...] = ()


_PASTE, _PUBLISH = ("step_paste", ""), ("step_publish", "")


def _block(what: str) -> tuple[tuple[str, str], ...]:
    return ("step_block", what), _PASTE, _PUBLISH


PLACES: dict[str, Place] = {
    "html": Place("", "html", (("step_source", "HTML"), _PASTE, _PUBLISH)),
    "wordpress": Place("WordPress", "html", _block("Custom HTML"), ("note_wordpress",)),
    "wordpress-classic": Place(
        "", "html", (("step_source", "Text"), _PASTE, _PUBLISH), ("note_wordpress",)
    ),
    "wordpress-com": Place("WordPress.com", "link", _block("Custom HTML"), ("note_com",)),
    "ghost": Place("Ghost", "html", (("step_type", "/html"), _PASTE, _PUBLISH), ("note_ghost",)),
    "drupal": Place(
        "Drupal",
        "html",
        (("step_format", "Full HTML"), ("step_source", "Source"), _PASTE, _PUBLISH),
    ),
    "wix": Place(
        "Wix",
        "iframe",
        (("step_block", "Embed HTML"), _PASTE, ("step_size", ""), _PUBLISH),
        ("note_frame",),
    ),
    "squarespace": Place("Squarespace", "html", _block("Code"), ("note_plan",)),
    "webflow": Place("Webflow", "html", _block("Code Embed"), ("note_plan",)),
    "medium": Place("", "text", (("step_end", ""), _PUBLISH), ("note_card",)),
    "markdown": Place("", "markdown", (("step_end", ""), _PUBLISH), ("note_markdown",)),
    # Wikis show HTML as text, and make links of addresses.
    "wiki": Place("DokuWiki, MediaWiki", "text", (("step_end", ""), _PUBLISH)),
    "react": Place("React, Next.js, MDX", "jsx", (("step_end", ""), _PUBLISH)),
    "email": Place("", "email", (("step_mail", ""),), ("note_mail",)),
    "atom": Place("Atom", "atom", (("step_atom", ""),), ("note_mail",)),
}
DEFAULT_PLACE = "html"
