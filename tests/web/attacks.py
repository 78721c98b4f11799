"""Invalid and hostile messages, each with its error code. Sent over HTTP and over the socket."""

import json
from collections.abc import Callable
from typing import Any

Fill = dict[str, Any]
"""Fields of a real story: `story` and, over HTTP, `token`."""


def raw(text: str) -> Callable[[Fill], bytes]:
    """Return a message of exactly this text, with `@story@` and `@token@` replaced."""

    def make(fill: Fill) -> bytes:
        filled = text.replace("@story@", fill["story"]).replace("@token@", fill.get("token", ""))
        return filled.encode("utf-8", "surrogateescape")

    return make


def message(kind: str, /, **fields: Any) -> Callable[[Fill], bytes]:
    """Return a message about the story. A field with the value `...` is omitted."""

    def make(fill: Fill) -> bytes:
        content = {"type": kind, **fill, **fields}
        kept = {k: v for k, v in content.items() if v is not ...}
        return json.dumps(kept, ensure_ascii=False).encode()

    return make


REACT = '{"type":"react","story":"@story@","token":"@token@","reaction":'
KEY = "0b6f7f0e-6c2b-4c38-9d0f-3f0a6f4f9a11"


def comment(**fields: Any) -> Callable[[Fill], bytes]:
    """Return a comment in which these fields replace valid ones."""
    return message("comment", **{"key": KEY, "body": "hello"} | fields)


ATTACKS: list[tuple[str, Callable[[Fill], bytes], str | None]] = [
    ("nothing", raw(""), "malformed"),
    ("blank", raw("  \n"), "malformed"),
    ("no JSON", raw("hello"), "malformed"),
    ("half a message", raw('{"type":"react"'), "malformed"),
    ("two messages", raw("{}{}"), "malformed"),
    ("no object", raw("[]"), "malformed"),
    ("null", raw("null"), "malformed"),
    ("a number", raw("7"), "malformed"),
    ("an empty object", raw("{}"), "malformed"),
    ("no type", raw('{"story":"@story@"}'), "malformed"),
    ("a type that is none", raw('{"type":"shutdown"}'), "malformed"),
    ("a type that is a list", raw('{"type":["react"]}'), "malformed"),
    ("a type that is an object", raw('{"type":{"type":"react"}}'), "malformed"),
    ("a type that is a number", raw('{"type":1}'), "malformed"),
    ("NaN", raw(REACT + '"happy","ref":NaN}'), "malformed"),
    ("comments in JSON", raw(REACT + '"happy"/* */}'), "malformed"),
    ("single quotes", raw("{'type':'react'}"), "malformed"),
    ("a byte order mark", raw("\ufeff" + REACT + '"happy"}'), "malformed"),
    ("a NUL between tokens", raw(REACT + '"happy"\0}'), "malformed"),
    ("a raw NUL in a text", raw(REACT + '"ha\0ppy"}'), "malformed"),
    ("an escaped NUL in a key", comment(key="abcdefgh\0"), "malformed"),
    ("an escaped NUL in a body", comment(body="a\0b"), "text_refused"),
    ("an escaped NUL in a name", comment(name="a\0b"), "text_refused"),
    ("an escaped NUL in a reaction", message("react", reaction="ha\0ppy"), "unknown_reaction"),
    ("half a character, escaped", raw(REACT + '"\\ud800"}'), "malformed"),
    ("halves in the wrong order", raw(REACT + '"\\udc00\\ud800"}'), "malformed"),
    ("30 digits for a reference", message("react", reaction="happy", ref=10**30), "malformed"),
    ("a reference beyond 2^53", message("react", reaction="happy", ref=2**53), "malformed"),
    ("a negative reference", message("react", reaction="happy", ref=-1), "malformed"),
    ("a fraction for a reference", message("react", reaction="happy", ref=1.5), "malformed"),
    ("a float for a reference", message("react", reaction="happy", ref=1.0), "malformed"),
    ("an infinite reference", raw(REACT + '"happy","ref":1e999}'), "malformed"),
    ("a boolean for a reference", message("react", reaction="happy", ref=True), "malformed"),
    ("a text for a reference", message("react", reaction="happy", ref="1"), "malformed"),
    ("a number for a text", comment(body=7), "malformed"),
    ("a list for a text", comment(body=["hello"]), "malformed"),
    ("an object for a text", comment(body={"html": "<b>"}), "malformed"),
    ("null for a text", comment(body=None), "malformed"),
    ("no text", comment(body=...), "malformed"),
    ("no key", comment(key=...), "malformed"),
    ("a key too short", comment(key="short"), "malformed"),
    ("a key too long", comment(key="k" * 65), "malformed"),
    ("a key with a space", comment(key="a key with spaces"), "malformed"),
    ("a key with a line break", comment(key="a-good-key\n"), "malformed"),
    ("no reaction", message("react"), "malformed"),
    ("a boolean for a reaction", message("react", reaction=True), "malformed"),
    ("a reaction that is not offered", message("react", reaction="love"), "unknown_reaction"),
    ("an empty reaction", message("react", reaction=""), "unknown_reaction"),
    ("a very long reaction", message("react", reaction="h" * 9000), "unknown_reaction"),
    ("a reaction in capitals", message("react", reaction="HAPPY"), "unknown_reaction"),
    ("a depth of 1,025", raw('{"type":' + "[" * 1025 + "]" * 1025 + "}"), "malformed"),
    ("a depth of 10,000", raw("[" * 10_000 + "]" * 10_000), "malformed"),
    ("objects 5,000 deep", raw('{"a":' * 5_000 + "1" + "}" * 5_000), "malformed"),
    ("unknown fields", message("react", reaction="happy", weight=9, _x={"y": [1]}), None),
    ("a duplicate field: the last counts", raw(REACT + '"love","reaction":"happy"}'), None),
    ("a field named __proto__", message("react", reaction="happy", __proto__={"a": 1}), None),
    ("a comment on nothing", message("react", reaction="happy", comment="no-one"), "not_found"),
    ("a comment's id too long", message("react", reaction="happy", comment="x" * 17), "malformed"),
    ("an id with a quote", message("react", reaction="happy", comment="' OR 1=1"), "malformed"),
    ("an id with a line break", message("react", reaction="happy", comment="abc\n"), "malformed"),
    ("a parent that is not there", comment(parent="no-one"), "not_found"),
    ("an edit of nothing", message("edit", comment="no-one", body="x"), "not_found"),
    ("a deletion of nothing", message("delete", comment="no-one"), "not_found"),
    ("a report of nothing", message("report", comment="no-one"), "not_found"),
    ("a hint without words", message("hint"), "malformed"),
    ("a hint of nothing", message("hint", text=" \n\u200b"), "text_refused"),
    ("a hint of a list", message("hint", text=["x"]), "malformed"),
    ("a hint of a thousand and one", message("hint", text="e" * 1_001), "too_large"),
    ("a passage too long", message("hint", text="x", passage="p" * 301), "too_large"),
    ("a thanked name too long", message("hint", text="x", credit="n" * 101), "too_large"),
    (
        "a thanked name that turns the line",
        message("hint", text="x", credit="A\u202eb"),
        "text_refused",
    ),
    ("an empty text", comment(body=""), "text_refused"),
    ("a blank text", comment(body=" \n\t"), "text_refused"),
    ("a text with nothing to see", comment(body="\u200b\u200e\u2800"), "text_refused"),
    ("5,000 code points", comment(body="é" * 5000), None),
    ("5,001 code points", comment(body="e" * 5001), "too_large"),
    ("20,001 bytes", comment(body="🔥" * 5000 + "e"), "too_large"),
    ("a name too long", comment(name="n" * 61), "too_large"),
    ("a name of two lines", comment(name="Ana\nBob"), "text_refused"),
    ("a name that turns the line", comment(name="Ana\u202eboB"), "text_refused"),
    ("an email that is none", comment(email="no-one"), "text_refused"),
    ("an email too long", comment(email="a@" + "b" * 300), "too_large"),
    ("a website that is a script", comment(website="javascript:alert(1)"), "text_refused"),
    ("a website of data", comment(website="data:text/html,x"), "text_refused"),
    ("a website with a backslash", comment(website="https:\\\\x.example"), "text_refused"),
    ("a website too long", comment(website="https://x.example/" + "w" * 300), "too_large"),
    ("a link to a script", comment(body="[x](javascript:alert(1))"), None),
    ("quotes a thousand deep", comment(body=">" * 4999 + "x"), "text_refused"),
    ("brackets without end", comment(body="[" * 5000), None),
    ("emphasis without end", comment(body="*_" * 2500), "text_refused"),
    ("lists within lists", comment(body="- " * 2400 + "x"), "text_refused"),
    ("a story's code too short", message("react", story="abc", reaction="happy"), "malformed"),
    ("a story's code with a NUL", message("react", story="abc\0" * 3, reaction="x"), "malformed"),
    (
        "a story's code in Arabic digits",
        message("react", story="١" * 12, reaction="x"),
        "malformed",
    ),
    ("a story that is a number", message("react", story=123456789012, reaction="x"), "malformed"),
    ("a reader token that is none", message("react", reaction="happy", reader="me"), None),
    ("a reader token too long", message("react", reaction="happy", reader="r" * 4097), "malformed"),
    ("a reader that is an object", message("react", reaction="happy", reader={}), "malformed"),
    ("a token that is a list", message("react", reaction="happy", token=[]), "malformed"),
]
"""Name, message, and error code. With None the message is accepted."""
