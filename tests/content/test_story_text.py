"""The text of a story: what is kept of HTML and Markdown, and what never comes out of it."""

import re
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from widget_server.content.story_text import (
    MAX_TEXT,
    MAX_TEXT_DEPTH,
    is_plain_markdown,
    parse_text,
    text_html,
)
from widget_server.model.errors import TextRejectedError

ALLOWED = {
    "p",
    "h2",
    "h3",
    "h4",
    "blockquote",
    "pre",
    "ul",
    "ol",
    "li",
    "em",
    "strong",
    "del",
    "code",
    "br",
    "a",
    "x",
}


def html(source: str, form: str = "html") -> str:
    return text_html(parse_text(source, form))


def elements(text: str) -> list[ET.Element]:
    """Return the elements. The text must be well-formed XML."""
    return list(ET.fromstring(f"<x>{text}</x>").iter())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>One <b>two</b> <i>three</i></p>", "<p>One <strong>two</strong> <em>three</em></p>"),
        ("<h1>A</h1><h5>B</h5>", "<h2>A</h2>\n<h4>B</h4>"),
        ("<p>one<p>two", "<p>one</p>\n<p>two</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<ol><li><p>a</p></li></ol>", "<ol><li><p>a</p></li></ol>"),
        ("<div>loose</div>words", "<p>loose</p>\n<p>words</p>"),
        ("a<br>b", "<p>a<br/>b</p>"),
        ("<blockquote><p>q</p></blockquote>", "<blockquote><p>q</p></blockquote>"),
        ("<pre>a\n  b</pre>", "<pre>a\n  b</pre>"),
        ("<p>a\n   b</p>", "<p>a b</p>"),
        ("<span style='color:red'>x</span>", "<p>x</p>"),
        ("<p>5 &lt; 6 &amp; 7</p>", "<p>5 &lt; 6 &amp; 7</p>"),
        ("<p></p><p> </p><p>x</p>", "<p>x</p>"),
        ("<a href='https://x.example/?a=1&amp;b'>l</a>", '<p><a href="https://x.example/?a=1&amp;b">l</a></p>'),
        ("<img src='https://x.example/a.png' alt='A <b>'>", '<p><a href="https://x.example/a.png">A &lt;b&gt;</a></p>'),
        ("<b>x<p>y</p></b>", "<p><strong>x</strong></p>\n<p>y</p>"),
    ],
)  # fmt: skip
def test_html_is_reduced_to_plain_elements(source: str, expected: str) -> None:
    assert html(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<p onclick='alert(1)'>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' JAVASCRIPT:alert(1)'>x</a>",
        "<a href='data:text/html,alert(1)'>x</a>",
        "<a href='//evil.example'>x</a>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><script>alert(1)</script>",
        "<iframe src='https://evil.example'></iframe>",
        "<style>p{background:url(https://evil.example)}</style>",
        "<form action='https://evil.example'><button>x</button></form>",
        "<!--><script>alert(1)</script>-->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<p title='</p><script>alert(1)</script>'>x</p>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<template><script>alert(1)</script></template>",
        "<base href='https://evil.example'>x",
        '<a href="https://x.example/&quot;onmouseover=alert(1)">x</a>',
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_nothing_that_runs_or_loads_comes_out(source: str) -> None:
    for form in ("html", "markdown"):
        text = html(source, form)
        for one in elements(text):
            assert one.tag in ALLOWED
            assert set(one.keys()) <= {"href"}
            assert (one.get("href") or "https://").startswith(("https://", "http://"))


def test_markdown_becomes_the_same_elements_and_its_html_stays_words() -> None:
    source = "# Head\n\nSome *words*, ~~old~~ <b>raw</b> [link](https://x.example)\n\n- a\n- b\n\n> q\n\n    code"
    text = html(source, "markdown")
    assert "<h2>Head</h2>" in text
    assert "<em>words</em>, <del>old</del> &lt;b&gt;raw&lt;/b&gt;" in text
    assert '<a href="https://x.example">link</a>' in text
    assert "<ul><li>a</li> <li>b</li></ul>" in text
    assert "<blockquote><p>q</p></blockquote>" in text
    assert "<pre><code>code" in text


@given(st.text(max_size=200), st.sampled_from(["html", "markdown"]))
@settings(max_examples=300)
def test_any_text_gives_well_formed_allowed_elements(source: str, form: str) -> None:
    try:
        text = html(source, form)
    except TextRejectedError:
        return
    controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
    for one in elements(controls.sub("", text)):
        assert one.tag in ALLOWED


@given(st.lists(st.sampled_from(
    ["<p>", "</p>", "<b>", "</b>", "<ul>", "</ul>", "<li>", "</li>", "x", "<a href='https://x.example'>",
     "</a>", "<pre>", "</pre>", "<blockquote>", "</blockquote>", "<script>", "</script>", "<br>"]
), max_size=60))  # fmt: skip
def test_any_nesting_is_closed_and_keeps_the_words_outside_of_scripts(parts: list[str]) -> None:
    text = html("".join(parts))
    elements(text)
    if "<script>" not in parts:
        words = "".join(ET.fromstring(f"<x>{text}</x>").itertext())
        assert words.count("x") == parts.count("x")


@pytest.mark.parametrize(
    "unit",
    ["<b>", "<!--", "<", "<p><b>", "<a href='", "<a href=\"'>", "<a ", "&", "&#", "<!", "</", "<ul><li>",
     "<script>", "<?", "<![CDATA[", "*", "[](<", "> ", "- ", "`", "[a](b"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["html", "markdown"])
def test_no_text_takes_long(unit: str, form: str) -> None:
    source = (unit * MAX_TEXT)[:MAX_TEXT]
    began = time.process_time()
    try:
        tree: Any = parse_text(source, form)
        text_html(tree)
    except TextRejectedError:
        pass
    assert time.process_time() - began < 5


def test_levels_are_bounded_and_a_damaged_tree_is_harmless() -> None:
    deep = html("<blockquote>" * 500 + "x")
    assert deep.count("<blockquote>") <= MAX_TEXT_DEPTH
    assert "x" in deep
    broken: tuple[Any, ...] = (
        None,
        5,
        "x",
        {"a": 1},
        [None, 7, {}],
        [[]],
        [["script", None, "x"]],
        [["a", 5, "x"]],
        [["a", {"href": 7}, "x"]],
        [["p"]],
    )
    for damaged in broken:
        assert "<script" not in text_html(damaged)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(TextRejectedError):
        parse_text("x" * (MAX_TEXT + 1), "html")


@pytest.mark.parametrize(
    "source",
    [
        "# Head\n\nSome *words*, a [link](https://a.example/x) and <https://b.example>.",
        "Write to [us](mailto:us@a.example) & <us@a.example>.",
        "Code: `<b>`\n\n```html\n<script>\n```\n",
        "[one][1]\n\n[1]: http://a.example 'Title'",
        "![a](https://a.example/a.jpg)",
    ],
)
def test_plain_markdown_is_handed_out_as_it_was_written(source: str) -> None:
    assert is_plain_markdown(source)


@pytest.mark.parametrize(
    "source",
    [
        "Some <b>raw</b> words",
        "<script>alert(1)</script>",
        "<script",
        "[a](javascript:alert(1))",
        "[a](JavaScript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](//a.example)",
        "[a](/path)",
        "![a](data:text/html,x)",
        "<javascript:alert(1)>",
        "[a][1]\n\n[1]: javascript:alert(1)",
        "words\n\n[1]: data:text/html,x",
        "[a](https://a.example/<script>alert(1)</script>)",
        "[a](https://a.example '<script>')",
        "![<script>](https://a.example/a.jpg)",
        "```<script>\nx\n```",
        "    <script>",
        "* > <iframe src=x>",
        "<!-- words -->",
    ],
)
def test_markdown_with_html_or_another_link_is_not_handed_out(source: str) -> None:
    assert not is_plain_markdown(source)
