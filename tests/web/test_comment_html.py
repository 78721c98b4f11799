"""A comment's tree becomes HTML of allowed tags only, whatever the tree contains."""

import re

from hypothesis import given, strategies as st
from markupsafe import Markup

from widget_server.web.pages.comment_html import render

TAGS = ["p", "em", "a", "br", "li", "script", "img", ""]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
hrefs = st.sampled_from(["https://x.example/", "javascript:alert(1)", "//x", 7, None])
attributes = st.none() | st.dictionaries(st.sampled_from(["href", "onclick"]), hrefs)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(
            lambda tag, about, nodes: [tag, about, *nodes],
            st.sampled_from(TAGS) | leaves,
            attributes,
            st.lists(inner, max_size=4),
        )
        | st.lists(inner, max_size=4)
    ),
)


@given(trees)
def test_no_tree_creates_other_tags_or_other_links(tree: object) -> None:
    html = render([tree])
    tags = re.findall(r"<([^>]*)>", html)
    link = 'a href="https://x.example/" rel="nofollow ugc noopener noreferrer"'
    assert set(tags) <= {link, "br", *(f"{end}{tag}" for tag in ("p", "em", "li", "span", "a")
                                       for end in ("", "/"))} - {"a"}  # fmt: skip


def test_a_text_is_rendered_as_the_embed_renders_it() -> None:
    tree = [
        ["p", None, "1 < 2 ", ["em", None, "x"], ["br", None], ["a", {"href": "https://x/"}, "y"]]
    ]
    link = '<a href="https://x/" rel="nofollow ugc noopener noreferrer">y</a>'
    assert render(tree) == Markup(f"<p>1 &lt; 2 <em>x</em><br>{link}</p>")


def test_nodes_deeper_than_any_valid_text_are_omitted() -> None:
    tree: object = "deep"
    for _ in range(5_000):
        tree = ["em", None, tree]
    html = render([tree, "after"])
    assert "deep" not in html
    assert html.endswith("</em>after")
