"""Write `markdown.json`: comment texts, and the trees that the server renders from them.

The embed's preview must render the same trees. Run it after a change of `content/markdown.py`:
`python -m tests.contract.make_markdown`.
"""

import json
from pathlib import Path

from widget_server.content.markdown import render

FILE = Path(__file__).with_name("markdown.json")
TEXTS = (
    "One line.",
    "Two\nlines.",
    "Two\n\nparagraphs.",
    "*em*, **strong**, ~~gone~~ and `code`.",
    "**strong with *em* inside**",
    "snake_case_word and 2 * 3 * 4",
    "See [this](https://example.org/a?b=1) or https://example.org/c.",
    "[no](javascript:alert(1)) and <b>no</b>",
    "> quoted\n> twice\n\nanswer",
    "- one\n- two\n- three",
    "1. one\n2. two",
    "```\nlet x = 1;\n```\nafter",
    "\\*not em\\*",
    "before\n- item\n- item",
    # The end of an address, in several scripts.
    "اقرأ https://example.org/x، ثم قل رأيك",
    "اقرأ https://example.org/x،ثم قل رأيك؟",
    "देखें https://example.org/x। फिर",
    "看https://example.org/docs了解更多",
    "見て（https://example.org/x）。次に https://example.org/y。",
    "ดูที่https://example.org/xนะครับ",
    "https://example.org/x에서 보세요",
    "https://ja.wikipedia.org/wiki/日本 と https://ja.wikipedia.org/wiki/日本2020年。",
    "https://例え.jp/パス?名=値#節 https://bücher.example/é, https://de.wikipedia.org/wiki/Köln.",
    "https://ar.wikipedia.org/wiki/مصر، https://ca.wikipedia.org/wiki/Col·lecció…",
    "https://en.wikipedia.org/wiki/Michelson–Morley_experiment … “https://example.org/a”",
)


def golden() -> list[dict[str, object]]:
    """Return each text with its tree."""
    return [{"text": text, "tree": render(text)} for text in TEXTS]


if __name__ == "__main__":
    FILE.write_text(json.dumps(golden(), indent=1, ensure_ascii=False) + "\n", "utf-8")
