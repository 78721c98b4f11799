"""An origin matches a rule if scheme, host and port are equal; a wildcard is one label or more."""

import pytest
from hypothesis import given, strategies as st

from widget_server.auth.origins import allows, canonical_page_url, parse_rule


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("*", "*"),
        ("https://news.example", "https://news.example"),
        ("https://News.Example:443", "https://news.example"),
        ("HTTPS://news.example:8443", "https://news.example:8443"),
        ("https://*.News.example", "https://*.news.example"),
        ("https://*.news.example:443", "https://*.news.example"),
        ("https://*.news.example:8443", "https://*.news.example:8443"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:80", "http://localhost"),
        ("http://LocalHost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.BÜCHER.example", "https://*.xn--bcher-kva.example"),
        ("https://a_b.example", "https://a_b.example"),
    ],
)
def test_a_rule_has_one_spelling(written: str, rule: str) -> None:
    assert parse_rule(written) == rule == parse_rule(rule)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "news.example",
        "//news.example",
        "https://",
        "https://news.example/",
        "https://news.example/path",
        "https://news.example?x",
        "https://news.example#x",
        "https://user@news.example",
        "https://user:pw@news.example",
        "https://news.example:",
        "https://news.example:99999",
        "https://news.example:٤٤٣",
        "https://news.example.",
        "https://news..example",
        "https://.news.example",
        "https://*",
        "https://*.",
        "https://*.*.example",
        "https://a.*.example",
        "https://*news.example",
        "https://*.192.0.2.1",
        "https://*.[::1]",
        "http://*.localhost",
        "http://news.example",
        "http://localhost.evil.example",
        "ftp://news.example",
        "file://",
        "javascript:alert(1)",
        " https://news.example",
        "https://news.example\n",
        "https://news.exa\tmple",
        "https://news.example\\@evil.example",
        "https://news%2eexample",
        "https://1.2.3",
        "https://256.1.1.1",
        "https://0x7f.1",
        "https://[::1",
        "https://[::g]",
        "https://straße.example",
        "https://ⓝews.example",
        "https://news。example",
        "https://bü*cher.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 140 + "example",
        "https://news.\ud800example",
    ],
)
def test_an_invalid_rule_is_rejected_with_a_sentence_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as rejection:
        parse_rule(text)
    assert not isinstance(rejection.value, UnicodeError)
    assert len(text) < 15 or text not in str(rejection.value)


@pytest.mark.parametrize(
    ("rule", "origin", "allowed"),
    [
        ("https://news.example", "https://news.example", True),
        ("https://news.example", "https://NEWS.example:443", True),
        ("https://NEWS.example:443", "https://news.example", True),
        ("https://news.example", "http://news.example", False),
        ("https://news.example", "https://news.example:8443", False),
        ("https://news.example", "https://www.news.example", False),
        ("https://news.example", "https://news.example.evil", False),
        ("https://news.example", "https://news.example.", False),
        ("https://news.example", "https://news.example/", False),
        ("https://news.example", "https://evil.example#https://news.example", False),
        ("https://news.example", "https://news.example@evil.example", False),
        ("https://news.example", "https://news.example https://evil.example", False),
        ("https://*.news.example", "https://a.news.example", True),
        ("https://*.news.example", "https://a.b.news.example", True),
        ("https://*.news.example", "https://A.NEWS.example:443", True),
        ("https://*.news.example", "https://news.example", False),
        ("https://*.news.example", "https://xnews.example", False),
        ("https://*.news.example", "https://.news.example", False),
        ("https://*.news.example", "https://a.news.example.evil", False),
        ("https://*.news.example", "https://a.news.example:8443", False),
        ("https://*.news.example", "http://a.news.example", False),
        ("https://*.news.example:8443", "https://a.news.example:8443", True),
        ("https://*.news.example:8443", "https://a.news.example", False),
        ("https://*.news.example:443", "https://a.news.example:8443", False),
        ("http://localhost:8000", "http://localhost:8000", True),
        ("http://localhost:8000", "http://localhost:8001", False),
        ("http://localhost:8000", "http://127.0.0.1:8000", False),
        ("http://[::1]:8000", "http://[::1]:8000", True),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", True),
        ("http://news.example", "http://news.example", False),
        ("nonsense", "nonsense", False),
    ],
)
def test_a_rule_allows_only_the_pages_that_it_names(rule: str, origin: str, allowed: bool) -> None:
    assert allows([rule], origin) is allowed
    assert allows(["https://other.example", rule], origin) is allowed


@pytest.mark.parametrize(
    "origin", [None, "null", "", "file://", "chrome-extension://abc", "https://"]
)
def test_a_missing_or_opaque_origin_matches_only_the_rule_for_any_page(origin: str | None) -> None:
    assert allows(["*"], origin)
    assert not allows(["https://news.example", "https://*.news.example"], origin)
    assert not allows(["null"], origin)
    assert not allows([], origin)


@given(st.text() | st.from_regex(r"https?://[a-z*.:\[\]@/0-9]{0,20}", fullmatch=True))
def test_every_rule_allows_its_own_origin_and_no_text_raises_another_error(text: str) -> None:
    assert not allows(["https://news.example"], text + "x")
    try:
        rule = parse_rule(text)
    except ValueError:
        return
    page = "https://a." + rule[len("https://*.") :] if "*." in rule else rule
    assert allows([rule], page)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://news.example/a/b?x=1#y", "https://news.example/a/b"),
        ("https://news.example", "https://news.example/"),
        ("https://news.example?token=secret", "https://news.example/"),
        ("https://NEWS.example:443/A", "https://news.example/A"),
        ("https://news.example/a?" + "x" * 5_000, "https://news.example/a"),
        ("https://news.example/é", "https://news.example/é"),
        ("https://evil.example/a", None),
        ("http://news.example/a", None),
        ("https://news.example:8443/a", None),
        ("https://user:pw@news.example/a", None),
        ("https://evil.example\\@news.example/a", None),
        ("https://news.example/a b", None),
        ("https://news.example/\x00", None),
        ("https://news.example/" + "x" * 2_000, None),
        ("javascript:alert(1)", None),
        ("/a", None),
        ("", None),
    ],
)
def test_a_page_url_loses_its_query_and_must_have_the_pages_origin(
    url: str, page: str | None
) -> None:
    assert canonical_page_url(url, "https://news.example") == page


@pytest.mark.parametrize("origin", [None, "null", "https://news.example/", "data:"])
def test_a_page_without_an_http_origin_has_no_page_url(origin: str | None) -> None:
    assert canonical_page_url("https://news.example/a", origin) is None
