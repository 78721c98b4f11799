"""Texts are stored and shown byte for byte, or rejected."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from widget_server.content import text as rules
from widget_server.content.markdown import render, to_plain_text
from widget_server.content.text import check_body
from widget_server.model.errors import (
    MalformedError,
    ProblemError,
    TextRejectedError,
    TooLargeError,
)
from widget_server.model.records import Node, Tree

NAUGHTY: list[str] = [
    base64.b64decode(line).decode("utf-8", "surrogateescape")
    for line in json.loads(
        (Path(__file__).parents[1] / "data/naughty-strings/blns.base64.json").read_text("utf-8")
    )
]
CHECKS: list[Callable[[str], object]] = [
    rules.check_name,
    rules.check_website,
    rules.check_email,
    rules.check_reason,
    check_body,
]
TAGS = frozenset(
    ["p", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "br", "a"]
)
FRAGMENTS = [
    "- ",
    "1. ",
    "99. ",
    "> ",
    "```",
    "~~~",
    "\n",
    "\n\n",
    "    ",
    " ",
    "*",
    "**",
    "~~",
    "`",
]
FRAGMENTS += [
    "[",
    "](http://x.example)",
    "](",
    "http://",
    "https://y.example/",
    "!",
    "(",
    ")",
    "\\",
]
FRAGMENTS += ["a", "b", "|", "#", "<c>", "&amp;", ":"]
INVISIBLE = [
    "",
    " \n\t ",
    "\u200b\u200d\u2060\ufeff",
    "\u3164",
    "\u2800\u2800",
    "\u115f\u1160\uffa0",
    "\U000e0041\U000e007f",
    "\u00a0\u3000\u2003",
    "\u202e\u2066\u200f",
    "\ufe0f\u034f",
    "\u00ad",
]
CONTROLS = ["a\x00b", "a\x07", "\x1b[31m", "a\x7f", "a\x85b", "a\x9f"]


def assert_valid(tree: Tree, depth: int = 0) -> None:
    assert depth <= 18
    previous: object = None
    for node in tree:
        if isinstance(node, str):
            assert node
            assert not isinstance(previous, str)
        else:
            tag, attributes, *children = node
            assert tag in TAGS
            if tag == "a":
                assert list(attributes) == ["href"]
                assert re.match(r"https?://[^/\s<>\"\\]", attributes["href"], re.IGNORECASE)
            else:
                assert attributes is None
            assert_valid(children, depth + 1)
        previous = node


def text_and_urls(node: Node) -> str:
    """Return a node's text and, if it differs from the text, its link's URL."""
    if isinstance(node, str):
        return node
    text = "".join(text_and_urls(child) for child in node[2:])
    href = node[1]["href"] if node[0] == "a" else ""
    return text if href == text else text + href


def without_syntax(text: str) -> str:
    return re.sub(r"[\s*_~`\\>#+\-\[\]().0-9]", "", text)


def test_the_list_of_naughty_strings_is_complete() -> None:
    assert len(NAUGHTY) > 500


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_naughty_string_is_accepted_or_rejected_with_a_sentence(
    check: Callable[[str], object],
) -> None:
    refused = {}
    for text in NAUGHTY:
        try:
            check(text)
        except ProblemError as rejection:
            refused[text] = rejection.detail
    assert refused
    for text, detail in refused.items():
        assert detail.endswith(".")
        assert len(text) < 12 or text not in detail


def test_every_visible_naughty_string_is_shown_completely() -> None:
    shown = 0
    for text in NAUGHTY:
        try:
            tree = check_body(text)
        except ProblemError:
            continue
        assert_valid(tree)
        assert "".join(map(without_syntax, map(text_and_urls, tree))) == without_syntax(text)
        shown += 1
    assert shown > 480


@given(
    st.text()
    | st.text(st.sampled_from(" \n\t>-+*_~`#[]()!\\|<>&;:/.1290abhttps'\""))
    | st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)
)
def test_any_text_becomes_a_valid_tree_with_the_same_text(text: str) -> None:
    try:
        tree = render(text)
    except TextRejectedError:
        return
    assert_valid(tree)
    json.dumps(tree)
    assume(
        not re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text)
    )  # a body has none of these characters
    assume(
        not re.search(r"(```|~~~)[ \t]*[\w+#.-]*[a-z]", text)
    )  # the language of a code fence is not shown
    assert "".join(map(without_syntax, map(text_and_urls, tree))) == without_syntax(text)


@given(st.text())
def test_a_body_is_shown_or_rejected_and_raises_no_other_error(text: str) -> None:
    try:
        tree = check_body(text)
    except ProblemError:
        return
    assert to_plain_text(tree).strip()


SHOWN: list[tuple[str, list[Any]]] = [
    ("a\nb\n\nc", [["p", None, "a", ["br", None], "b"], ["p", None, "c"]]),
    ("a\r\nb\rc", [["p", None, "a", ["br", None], "b", ["br", None], "c"]]),
    (
        "*a* **b** ~~c~~ `d`",
        [
            [
                "p",
                None,
                *(["em", None, "a"], " ", ["strong", None, "b"], " "),
                *(["del", None, "c"], " ", ["code", None, "d"]),
            ]
        ],
    ),
    ("***a***", [["p", None, ["em", None, ["strong", None, "a"]]]]),
    ("**a **b** c**", [["p", None, ["strong", None, "a b c"]]]),
    ("> a\n> b", [["blockquote", None, ["p", None, "a", ["br", None], "b"]]]),
    (
        "- a\n- b\n  - c",
        [["ul", None, ["li", None, "a"], ["li", None, "b", ["ul", None, ["li", None, "c"]]]]],
    ),
    ("1. a\n2. b", [["ol", None, ["li", None, "a"], ["li", None, "b"]]]),
    ("1. a\n1. b", [["ol", None, ["li", None, "a"], ["li", None, "b"]]]),
    ("1984. What a book", [["p", None, "1984. What a book"]]),
    ("1. a\n1984. b", [["ol", None, ["li", None, "a"], ["li", None, "1984. b"]]]),
    ("```py\nx = *y*\n```", [["pre", None, ["code", None, "x = *y*"]]]),
    ("```two words\nx\n```", [["pre", None, ["code", None, "two words\nx"]]]),
    ("```word", [["p", None, "```word"]]),
    ("    a\n    b", [["pre", None, ["code", None, "a\nb"]]]),
    ("# a", [["p", None, "# a"]]),
    ("a\n---", [["p", None, "a", ["br", None], "---"]]),
    ("---", [["p", None, "---"]]),
    ("* * *", [["p", None, "* * *"]]),
    ("-", [["p", None, "-"]]),
    ("+", [["p", None, "+"]]),
    (">", [["p", None, ">"]]),
    (
        "a\n\n- \n- \n\nb",
        [["p", None, "a"], ["p", None, "- ", ["br", None], "- "], ["p", None, "b"]],
    ),
    ("|a|\n|-|\n|b|", [["p", None, "|a|", ["br", None], "|-|", ["br", None], "|b|"]]),
    ("<b onclick=x>&amp;</b>", [["p", None, "<b onclick=x>&amp;</b>"]]),
    ("<script>alert(1)</script>", [["p", None, "<script>alert(1)</script>"]]),
    ("[a]: javascript:x\n\n[a]", [["p", None, "[a]: javascript:x"], ["p", None, "[a]"]]),
    (r"\*a\*", [["p", None, "*a*"]]),
]


@pytest.mark.parametrize(("source", "tree"), SHOWN)
def test_the_subset_is_rendered_and_all_other_markdown_is_shown_as_typed(
    source: str, tree: Tree
) -> None:
    assert render(source) == tree
    assert_valid(tree)


def links(source: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def walk(nodes: Tree) -> None:
        for node in nodes:
            if not isinstance(node, str):
                if node[0] == "a":
                    found.append((to_plain_text(node[2:]), node[1]["href"]))
                walk(node[2:])

    walk(render(source))
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[a *b*](https://x.example/?q=1&copy;=2)", [("a b", "https://x.example/?q=1&copy;=2")]),
        ("[a](HTTP://x.example)", [("a", "HTTP://x.example")]),
        ("[a](https://x.example/b_(c))", [("a", "https://x.example/b_(c)")]),
        ("[a [b](https://x.example) c](https://y.example)", ["b", "https://y.example"]),
        ("[`a](https://x.example)`](https://y.example)", ["a](https://x.example)"]),
        ("see https://x.example/a_(b), and", ["https://x.example/a_(b)"]),
        ("(https://x.example/a). https://y.example!", ["https://x.example/a", "https://y.example"]),
        ("https://x.example/__init__.py", ["https://x.example/__init__.py"]),
        ("**https://x.example**", ["https://x.example"]),
        ("看https://x.example/a。后", ["https://x.example/a"]),
        ("https://bücher.example/é", ["https://bücher.example/é"]),
        ("http://[::1]:80/x]", ["http://[::1]:80/x"]),
        ("![a](https://x.example/b.png)", ["https://x.example/b.png"]),
        ("<https://x.example>", ["https://x.example"]),
        ('[a](https://x.example "title")', ["https://x.example"]),
        ("http://x/?'onmouseover='alert(1)'", ["http://x/?'onmouseover='alert(1)"]),
        ("`https://x.example`", []),
        ("    https://x.example", []),
        ("xhttp://x.example", []),
        ("https:// x", []),
        ("http://user:pw@x.example", []),
        ("https://x.example:99999/", []),
        ("[a](javascript:alert(1))", []),
        ("[a](JaVaScRiPt:alert(1))", []),
        ("[a](data:text/html,x)", []),
        ("[a](//x.example)", []),
        ("[a](/x)", []),
        ("[a]()", []),
        ("[a](mailto:a@x.example)", []),
        ("a@x.example www.x.example", []),
        ("[\u200b](javascript:x)", []),
        ("<javascript:alert(1)>", []),
        (r"\[a](b) [a\](b)", []),
    ],
)
def test_only_http_and_https_links_are_links(source: str, expected: list[Any]) -> None:
    assert [(text, href) if isinstance(want, tuple) else text for (text, href), want in
            zip(links(source), expected, strict=True)] == expected  # fmt: skip


def test_a_link_without_a_visible_label_shows_its_url() -> None:
    assert links("[\\\n](https://x.example)") == [("\nhttps://x.example", "https://x.example")]
    assert links("[\u200b](https://x.example)") == [("https://x.example", "https://x.example")]


def test_eleven_links_are_rejected() -> None:
    assert len(links("https://x.example " * 10)) == 10
    for eleven in ("https://x.example " * 11, "[a](https://x.example)" * 11):
        with pytest.raises(TextRejectedError, match="10 links"):
            render(eleven)


def test_sixteen_levels_of_nesting_are_shown_and_more_are_rejected() -> None:
    assert to_plain_text(render("> " * 15 + "x")) == "x"
    for deep in ("> " * 16 + "x", "> " * 40 + "x", "- " * 30 + "x", ">" * 2_000, "> - " * 200):
        with pytest.raises(TextRejectedError, match="deep"):
            render(deep)


def test_repeated_marks_are_text_or_rejected() -> None:
    for mark in ("[", "![", "*", "_", "`", "~", "](", "[a](http://", "http://", "<", "&#", "\\"):
        source = (mark * 5_000)[:5_000]
        try:
            assert_valid(render(source))
        except TextRejectedError:
            continue
    assert to_plain_text(render("[" * 5_000)) == "[" * 5_000
    assert to_plain_text(render("*" * 5_000)) == "*" * 5_000


def test_a_link_longer_than_2000_characters_stays_text() -> None:
    fits = "https://x.example/" + "a" * (2_000 - 18)
    (paragraph,) = render(f"[here]({fits})")
    assert paragraph[2] == ["a", {"href": fits}, "here"]
    assert to_plain_text(render(f"[here]({fits}a)")) == f"[here]({fits}a)"


def test_the_number_of_nodes_is_bounded() -> None:
    for source in ("a\n" * 1_001, "*a* " * 1_100, "- - a\n" * 800):
        with pytest.raises(TextRejectedError, match="too many"):
            render(source)


def test_a_body_has_at_most_5000_code_points() -> None:
    assert check_body("a" * 5_000) == [["p", None, "a" * 5_000]]
    assert check_body("😀" * 5_000) == [["p", None, "😀" * 5_000]]
    with pytest.raises(TooLargeError):
        check_body("a" * 5_001)


@pytest.mark.parametrize("text", INVISIBLE)
def test_invisible_text_is_rejected(text: str) -> None:
    for check in (rules.check_name, check_body):
        with pytest.raises(TextRejectedError):
            check(text)


@pytest.mark.parametrize("text", CONTROLS)
def test_control_characters_are_rejected_in_every_field(text: str) -> None:
    for check in CHECKS:
        with pytest.raises(TextRejectedError):
            check(text)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_a_lone_surrogate_is_malformed_in_every_field(text: str) -> None:
    for check in CHECKS:
        with pytest.raises(MalformedError):
            check(text)


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "Zoë",
        "李雷",
        "👩‍👩‍👧‍👦",
        "🏳️‍🌈",
        "محمد",
        "O'Neill <b>",
        "x" * 60,
        " a ",
        "e\u0301",
        "\u200fא",
    ],
)
def test_names_of_people_are_accepted(name: str) -> None:
    rules.check_name(name)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", "a\u2028b", "a\u202eb", "\u2066a\u2069"])
def test_a_name_with_a_line_break_or_direction_override_is_rejected(name: str) -> None:
    with pytest.raises(TextRejectedError):
        rules.check_name(name)


def test_a_body_may_have_direction_overrides() -> None:
    assert check_body("a\u202eb\u2066c") == [["p", None, "a\u202eb\u2066c"]]


def test_a_text_that_is_too_long_is_too_large() -> None:
    for check, text in (
        (rules.check_name, "x" * 61),
        (rules.check_website, "https://x.example/" + "x" * 200),
        (rules.check_email, "x" * 250 + "@x.example"),
        (rules.check_reason, "x" * 1_001),
    ):
        with pytest.raises(TooLargeError):
            check(text)


@pytest.mark.parametrize(
    "url", ["https://x.example", "http://x.example:8080/a?b#c", "https://bücher.example/é"]
)
def test_a_website_is_an_absolute_url(url: str) -> None:
    rules.check_website(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.example",
        "//x.example",
        "/x",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "ftp://x.example",
        "https://",
        "https://user@x.example",
        "https://x.example/a b",
        'https://x.example/"onclick=x',
        "https://x.example\\@evil.example",
        " https://x.example",
    ],
)
def test_any_other_text_is_rejected_as_a_website(url: str) -> None:
    with pytest.raises(TextRejectedError):
        rules.check_website(url)


def test_an_email_address_has_one_at_sign_and_no_spaces() -> None:
    for address in ("a@x.example", "a+b@x", "ü@bücher.example"):
        rules.check_email(address)
    for text in ("", "a", "@x", "a@", "a@b@c", "a b@x", "a@x\n", "<a@x>"):
        with pytest.raises(TextRejectedError):
            rules.check_email(text)


def test_a_reason_may_be_empty_or_have_several_lines() -> None:
    rules.check_reason("")
    rules.check_reason("spam\nand more")


def test_plain_text_has_one_line_for_each_block() -> None:
    source = "a *b*\nc\n\n- d\n- e\n\n> f\n\n```\ng\n```\n\n[h](https://x.example)"
    assert to_plain_text(render(source)) == "a b\nc\nd\ne\nf\ng\nh"
    assert to_plain_text([]) == ""
