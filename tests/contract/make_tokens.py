"""Write `tokens.json`: tokens made with plain HMAC, from the documented format alone.

It shares no code with the server on purpose: if the two disagree, one of them is wrong.
Run it as `python tests/contract/make_tokens.py`; the output is the same every time.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

SECRET = "an example secret, never use it anywhere"
OLDER_SECRET = "the example secret of the year before"
SITE = "example-news"
IAT = 1_760_000_000
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def mac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode("utf-8"), hashlib.sha256).digest()


def site_key(secret: str, generation: int, site: str = SITE) -> str:
    return mac(secret.encode("utf-8"), f"site-key:{site}:{generation}").hex()


def sign(key: str, salt: str, text: str) -> str:
    return text + "." + b64(mac(mac(key.encode("utf-8"), salt), text))


def token(key: str, salt: str, kind: str, generation: object, payload: object) -> str:
    compact = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    return sign(key, salt, f"{kind}.{SITE}.{generation}.{b64(compact)}")


def code(site: str, key: str) -> str:
    number = int(hashlib.sha256(f"{site}/{key}".encode()).hexdigest(), 16)
    digits = []
    while number:
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits)).rjust(43, "0")[:12]


def other_spelling(text: str) -> str:
    """Return another base64 text of the same bytes: an unused bit of the last character is set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


KEY = site_key(SECRET, 2)
SHORT = {"story": "2025/tides", "origins": ["https://news.example"], "iat": IAT}
FULL = {
    "story": "2025/tides",
    "origins": ["https://news.example", "https://*.partner.example", "http://localhost:8000"],
    "iat": IAT,
    "exp": IAT + 86_400 * 365,
    "jti": "copy-17",
    "can": ["read", "react"],
    "url": "https://news.example/2025/tides?page=1",
    "title": "Die Gezeiten – „neu vermessen“ 🌊",
    "author": "Ana Pérez, 李雷",
    "publisher": "Example News",
    "license": "CC-BY-SA-4.0",
    "changes": "Translated into German.",
    "label": "Küstenblatt",
    "lang": "de-DE",
}
PERSON = {
    "sub": "user-81",
    "name": "Zoë",
    "avatar": "https://news.example/avatars/81.png",
    "author": True,
    "jti": "7f3c0d9a",
    "iat": IAT,
    "exp": IAT + 300,
}
READER = {"rid": "000102030405060708090a0b0c0d0e0f"}
VOUCHED = {
    **READER,
    "sub": "user-81",
    "name": "Zoë",
    "author": True,
    "generation": 2,
    "exp": IAT + 30 * 86_400,
}


def widget(payload: object, generation: object = 2, key: str = KEY) -> str:
    return token(key, "widget-token", "w1", generation, payload)


def valid() -> list[dict[str, object]]:
    older = site_key(OLDER_SECRET, 2)
    return [
        {"name": "widget, smallest", "token": widget(SHORT), "payload": SHORT},
        {"name": "widget, every claim", "token": widget(FULL), "payload": FULL},
        {
            "name": "widget, any page, a claim from the future",
            "token": widget({**SHORT, "origins": ["*"], "later": {"x": 1}}),
            "payload": {**SHORT, "origins": ["*"], "later": {"x": 1}},
        },
        {
            "name": "widget, generation before the newest",
            "token": widget(SHORT, 1, site_key(SECRET, 1)),
            "payload": SHORT,
        },
        {
            "name": "widget, made under the older secret",
            "token": widget(SHORT, 2, older),
            "payload": SHORT,
        },
        {
            "name": "reader",
            "token": token(SECRET, "reader", "r1", 0, READER),
            "payload": READER,
        },
        {
            "name": "reader, vouched for, under the older secret",
            "token": token(
                OLDER_SECRET, "reader", "r1", 0, {**READER, "sub": "user-81", "name": "Zoë"}
            ),
            "payload": {**READER, "sub": "user-81", "name": "Zoë"},
        },
        {
            "name": "reader, vouched for by a key of the second generation, for 30 days",
            "token": token(SECRET, "reader", "r1", 0, VOUCHED),
            "payload": VOUCHED,
        },
        {
            "name": "identity",
            "token": token(KEY, "identity", "i1", 2, PERSON),
            "payload": PERSON,
        },
    ]


def misencoded() -> list[tuple[str, str]]:
    good = widget(SHORT)
    head, signature = good.rsplit(".", 1)
    text = json.dumps(SHORT, separators=(",", ":")).encode()
    loose = b64(text + b" " * ((1 - len(text)) % 3))
    return [
        ("spare bits in the signature", head + "." + other_spelling(signature)),
        (
            "spare bits in the payload",
            sign(KEY, "widget-token", f"w1.{SITE}.2.{other_spelling(loose)}"),
        ),
        ("padding after the signature", good + "="),
        ("junk after the signature", good + "!!"),
        ("a letter outside ASCII", good[:-1] + "é" + good[-1]),
        ("a space before", " " + good),
        ("a line break after", good + "\n"),
        ("percent-encoded dots", good.replace(".", "%2E")),
        ("leading zero in the generation", widget(SHORT, "02")),
        ("generation in other digits", widget(SHORT, "٢")),
        ("generation with a sign", widget(SHORT, "+2")),
        ("upper case in the site", good.replace(SITE, SITE.upper())),
        ("no signature", head),
        ("empty signature", head + "."),
        ("one part too many", good + ".x"),
        ("empty", ""),
        ("longer than 4,096 characters", widget({**SHORT, "later": "x" * 3_200})),
    ]


def forged() -> list[tuple[str, str]]:
    head, signature = widget(SHORT).rsplit(".", 1)
    sha1 = hmac.new(mac(KEY.encode(), "widget-token"), head.encode(), hashlib.sha1).digest()
    concat = hashlib.sha256(b"widget-token" + KEY.encode()).digest()
    django = hashlib.sha256(b"widget-token" + b"signer" + KEY.encode()).digest()
    return [
        ("wrong signature", head + "." + signature[::-1]),
        ("wrong salt", token(KEY, "identity", "w1", 2, SHORT)),
        ("wrong type", token(KEY, "widget-token", "i1", 2, PERSON)),
        ("identity salt and claims as a widget", token(KEY, "identity", "w1", 2, PERSON)),
        ("unknown type", token(KEY, "widget-token", "w2", 2, SHORT)),
        ("retired generation", widget(SHORT, 0, site_key(SECRET, 0))),
        ("generation that is not yet", widget(SHORT, 3, site_key(SECRET, 3))),
        ("key of another generation", widget(SHORT, 2, site_key(SECRET, 1))),
        ("key of another site", widget(SHORT, 2, site_key(SECRET, 2, "other"))),
        ("secret of another server", widget(SHORT, 2, site_key("another server's", 2))),
        ("the secret itself as the key", widget(SHORT, 2, SECRET)),
        ("the site key's bytes, not its hex", _bytes_key(head)),
        ("SHA-1 under the right key", head + "." + b64(sha1)),
        ("key derived by concatenation", head + "." + b64(mac(concat, head))),
        ("key derived as Django does", head + "." + b64(mac(django, head))),
    ]


def _bytes_key(head: str) -> str:
    return head + "." + b64(mac(mac(bytes.fromhex(KEY), "widget-token"), head))


def wrong_claims() -> list[tuple[str, object]]:
    changed: list[tuple[str, dict[str, object]]] = [
        ("story empty", {"story": ""}),
        ("story a number", {"story": 7}),
        ("story with a space", {"story": "a b"}),
        ("story beyond ASCII", {"story": "é"}),
        ("story of 201", {"story": "x" * 201}),
        ("origins a string", {"origins": "https://news.example"}),
        ("origins empty", {"origins": []}),
        ("origins of 101", {"origins": ["https://a.example"] * 101}),
        ("origin a number", {"origins": [1]}),
        ("origin with a path", {"origins": ["https://news.example/x"]}),
        ("origin by http", {"origins": ["http://news.example"]}),
        ("origin null", {"origins": ["null"]}),
        ("iat a string", {"iat": str(IAT)}),
        ("iat true", {"iat": True}),
        ("iat a fraction", {"iat": IAT + 0.5}),
        ("iat of 30 digits", {"iat": 10**29}),
        ("iat negative", {"iat": -1}),
        ("iat in the future", {"iat": IAT + 61}),
        ("exp a string", {"exp": "never"}),
        ("exp null", {"exp": None}),
        ("exp in milliseconds", {"exp": IAT * 1000}),
        ("can empty", {"can": []}),
        ("can unknown", {"can": ["read", "moderate"]}),
        ("can a string", {"can": "read"}),
        ("can a list of lists", {"can": [["read"]]}),
        ("jti empty", {"jti": ""}),
        ("jti of 65", {"jti": "x" * 65}),
        ("jti a number", {"jti": 1}),
        ("jti that stands for copies without a token", {"jti": "open"}),
        ("title a list", {"title": ["x"]}),
        ("title of 301", {"title": "x" * 301}),
        ("title with NUL", {"title": "a\u0000b"}),
        ("author with a line break", {"author": "a\nb"}),
        ("publisher of 201", {"publisher": "x" * 201}),
        ("license of 65", {"license": "x" * 65}),
        ("changes of 1,001", {"changes": "x" * 1_001}),
        ("label of 101", {"label": "x" * 101}),
        ("label that turns its direction", {"label": "a\u202eb"}),
        ("lang not a language", {"lang": "de_DE"}),
        ("lang of 36", {"lang": "de-" + "-".join(["abcdefgh"] * 4)}),
        ("url a script", {"url": "javascript:alert(1)"}),
        ("url relative", {"url": "/2025/tides"}),
        ("url with a password", {"url": "https://me:pw@news.example/"}),
    ]
    return [(name, {**SHORT, **change}) for name, change in changed] + [
        ("no story", {"origins": ["*"], "iat": IAT}),
        ("no origins", {"story": "a", "iat": IAT}),
        ("no iat", {"story": "a", "origins": ["*"]}),
        ("a list", [SHORT]),
        ("a string", "story"),
        ("null", None),
    ]


def not_json() -> list[tuple[str, str]]:
    texts = {
        "not JSON": b"{story:1}",
        "a lone surrogate": b'{"story":"a","origins":["*"],"iat":1,"title":"\\ud800"}',
        "not UTF-8": b'{"story":"a","origins":["*"],"iat":1,"title":"\xff"}',
        "NaN": b'{"story":"a","origins":["*"],"iat":NaN}',
        "compressed": b"x\x9c\xab\xae\x05\x00\x01u\x00\xf9",
    }
    return [
        (name, sign(KEY, "widget-token", f"w1.{SITE}.2.{b64(data)}"))
        for name, data in texts.items()
    ]


def vectors() -> dict[str, object]:
    return {
        "about": "Made by make_tokens.py. The secrets are examples and open no server.",
        "secrets": [SECRET, OLDER_SECRET],
        "site": SITE,
        "generations": {"oldest": 1, "newest": 2},
        "now": IAT,
        "site_keys": [
            {"site": SITE, "generation": 1, "key": site_key(SECRET, 1)},
            {"site": SITE, "generation": 2, "key": KEY},
            {"site": "a", "generation": 10, "key": site_key(SECRET, 10, "a")},
        ],
        "story_codes": [
            {"site": site, "key": key, "code": code(site, key)}
            for site, key in [
                (SITE, "2025/tides"),
                (SITE, "1"),
                ("a", "b"),
                ("a", "~!@#$%^&*()_+"),
                (SITE, "238"),  # its number has 42 digits: a zero is prepended
            ]
        ],
        "valid": valid(),
        "invalid": [
            {"name": name, "token": text} for name, text in [*misencoded(), *forged(), *not_json()]
        ]
        + [{"name": name, "token": widget(payload)} for name, payload in wrong_claims()],
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("tokens.json")
    target.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", "utf-8")
