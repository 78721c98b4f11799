"""Words that the queue does not show until a person asks for them: those of the site's own word rules."""

from collections.abc import Iterable
from typing import Any

from widget_server.auth.permissions import require
from widget_server.content.folding import FoldedText
from widget_server.content.word_list import WordList
from widget_server.model.actors import Actor
from widget_server.operations.services import Services

SIGN = "•"
"""What stands for each letter of a hidden word."""


class HiddenWords:
    """Hides the words of some lists in texts and trees of comments."""

    def __init__(self, lists: Iterable[WordList]) -> None:
        self._lists = [one for one in lists if one.size]

    def count(self, source: str | None) -> int:
        """Return how many places of a text are hidden."""
        return len(self._places(source)) if source else 0

    def words_of(self, source: str) -> list[str]:
        """Return the words that are hidden in a text, as they are written."""
        return [source[start:end] for start, end in self._places(source)]

    def text(self, source: str) -> str:
        """Return the text with signs in place of the words."""
        shown = list(source)
        for start, end in self._places(source):
            # An entry may end within a word.
            while end < len(source) and source[end].isalnum():
                end += 1  # noqa: PLW2901 - the whole word is hidden
            for at in range(start, end):
                if not shown[at].isspace():
                    shown[at] = SIGN
        return "".join(shown)

    def tree(self, nodes: list[Any], source: str | None = None) -> list[Any]:
        """Return a comment's tree without the words. `source` is its Markdown, if it is known.

        A word with a part in bold is in no single text of the tree: then no word of the comment is shown.
        """
        if not self._lists:
            return nodes
        wanted = max(self.count(source), self.count("".join(_texts(nodes))))
        if not wanted:
            return nodes
        hidden = [self._node(node) for node in nodes]
        if sum(self.count(text) for text in _texts(nodes)) < wanted:
            return [["p", None, self._all(" ".join(_texts(nodes)))]]
        return hidden

    def _node(self, node: Any) -> Any:
        if isinstance(node, str):
            return self.text(node)
        if not isinstance(node, list):
            return node
        # An address may contain the word as well.
        attributes = node[1] if len(node) > 1 else None
        if isinstance(attributes, dict) and self.count(str(attributes.get("href", ""))):
            attributes = {**attributes, "href": "https://" + SIGN * 3}
        return [*node[:1], attributes, *(self._node(one) for one in node[2:])]

    @staticmethod
    def _all(text: str) -> str:
        return "".join(one if one.isspace() else SIGN for one in text)

    def _places(self, source: str) -> list[tuple[int, int]]:
        if not self._lists:
            return []
        folded = FoldedText.of(source)
        found = {
            (one.start, one.end) for words in self._lists for one in words.search_folded(folded)
        }
        return sorted(found)


def _texts(nodes: Iterable[Any]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, list):
            yield from _texts(node[2:])


async def hidden_words(services: Services, by: Actor, site: str) -> HiddenWords:
    """Return what hides the words of the site's word rules, also of those in shadow.

    Raises `NotPermittedError`.
    """
    require(by, "read", site)
    known = await services.cache.site(site)
    if known is None:
        return HiddenWords([])
    found = await services.rules.of_site(known.site, services.discussions.epoch)
    return HiddenWords(rule.words for rule in found.of_kind("words") if rule.words is not None)
