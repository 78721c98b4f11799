"""Tokens follow the documented format, and any other text is rejected."""

import dataclasses
import json
import re
import runpy
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.node import node
from widget_server.auth.tokens import (
    Keyring,
    mint,
    mint_widget,
    new_rid,
    parse_unverified,
    story_code,
)
from widget_server.model.claims import Attribution, IdentityClaims, ReaderClaims, WidgetClaims
from widget_server.model.errors import ProblemError, TokenExpiredError, TokenInvalidError

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "contract"
VECTORS: dict[str, Any] = json.loads((CONTRACT / "tokens.json").read_text("utf-8"))
DOCS = (ROOT / "docs/users/tokens.md").read_text("utf-8")

SITE: str = VECTORS["site"]
NOW: int = VECTORS["now"]
OLDEST, NEWEST = VECTORS["generations"]["oldest"], VECTORS["generations"]["newest"]
KEYRING = Keyring(VECTORS["secrets"])
KEY = KEYRING.site_key(SITE, NEWEST)
READER = ReaderClaims(SITE, "00" * 16)
IDENTITY = {"sub": "u", "name": "Zoë", "jti": "j", "iat": NOW, "exp": NOW + 300}
SAMPLES = {
    "w1": next(v["token"] for v in VECTORS["valid"] if v["name"] == "widget, smallest"),
    "r1": next(v["token"] for v in VECTORS["valid"] if v["name"] == "reader"),
    "i1": next(v["token"] for v in VECTORS["valid"] if v["name"] == "identity"),
}


def verify(kind: str, token: str) -> WidgetClaims | ReaderClaims | IdentityClaims:
    if kind == "r1":
        return KEYRING.verify_reader(token, SITE)
    unverified = parse_unverified(token)
    if kind == "i1":
        return KEYRING.verify_identity(unverified, OLDEST, NEWEST, NOW)
    return KEYRING.verify_widget(unverified, OLDEST, NEWEST, NOW)


def claims_of(claims: WidgetClaims | ReaderClaims | IdentityClaims) -> dict[str, Any]:
    record = dataclasses.asdict(claims)
    return {**record, **record.pop("attribution", {})}


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_test_vectors_are_those_that_their_script_makes() -> None:
    made = runpy.run_path(str(CONTRACT / "make_tokens.py"))["vectors"]()
    assert json.loads(json.dumps(made)) == VECTORS


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_all_claims_of_a_token_made_with_plain_hmac_are_read(vector: dict[str, Any]) -> None:
    claims = claims_of(verify(vector["token"][:2], vector["token"]))
    for name, value in vector["payload"].items():
        if name != "later":
            expected = tuple(value) if isinstance(value, list) else value
            assert claims[name] == expected


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["name"])
def test_an_invalid_token_is_rejected_as_every_type(vector: dict[str, Any]) -> None:
    for kind in SAMPLES:
        with pytest.raises(TokenInvalidError):
            verify(kind, vector["token"])


def test_site_keys_and_story_codes_are_those_of_the_vectors() -> None:
    for entry in VECTORS["site_keys"]:
        assert KEYRING.site_key(entry["site"], entry["generation"]) == entry["key"]
    for entry in VECTORS["story_codes"]:
        assert story_code(entry["site"], entry["key"]) == entry["code"]


def test_a_token_is_valid_only_as_its_own_type() -> None:
    for made, token in SAMPLES.items():
        for expected_kind in SAMPLES:
            if made == expected_kind:
                assert verify(expected_kind, token).site == SITE
            else:
                with pytest.raises(TokenInvalidError):
                    verify(expected_kind, token)


@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    place=st.integers(0, 10_000),
    replacement=st.sampled_from(string.ascii_letters + string.digits + "-_.=!é \n%")
    | st.characters(),
)
def test_any_single_changed_character_makes_a_token_invalid(
    kind: str, place: int, replacement: str
) -> None:
    token = SAMPLES[kind]
    place %= len(token)
    changed = token[:place] + replacement + token[place + 1 :]
    if changed != token:
        for expected_kind in SAMPLES:
            with pytest.raises(TokenInvalidError):
                verify(expected_kind, changed)


@given(kind=st.sampled_from(sorted(SAMPLES)), text=st.text(max_size=60), place=st.integers(0, 400))
def test_inserting_or_removing_text_makes_a_token_invalid(kind: str, text: str, place: int) -> None:
    token = SAMPLES[kind]
    for changed in (token[:place] + text + token[place:], token[:place], token[place + 1 :], text):
        if changed != token:
            with pytest.raises(TokenInvalidError):
                verify(kind, changed)


def test_every_wrong_signature_gets_the_same_error() -> None:
    head, _, signature = SAMPLES["w1"].rpartition(".")
    details = set()
    for changed in (f"{head}.{signature[::-1]}", f"{head}x.{signature}", head, "nothing like it"):
        with pytest.raises(TokenInvalidError) as rejection:
            verify("w1", changed)
        details.add(rejection.value.detail)
    assert len(details) == 1


def test_the_error_names_a_rejected_claim_and_never_repeats_its_value() -> None:
    token = mint(KEY, "w1", SITE, NEWEST, {"story": "<script>", "origins": "<b>", "iat": NOW})
    with pytest.raises(TokenInvalidError, match="origins") as rejection:
        verify("w1", token)
    assert "<" not in rejection.value.detail


def test_the_newest_secret_signs_and_every_secret_verifies() -> None:
    new, old = VECTORS["secrets"]
    before, after = Keyring([old]), Keyring([new, old])
    old_reader, new_reader = before.issue_reader(SITE, READER), after.issue_reader(SITE, READER)
    assert after.verify_reader(old_reader, SITE) == after.verify_reader(new_reader, SITE) == READER
    assert new_reader == Keyring([new]).issue_reader(SITE, READER) != old_reader
    with pytest.raises(TokenInvalidError):
        before.verify_reader(new_reader, SITE)

    claims = WidgetClaims(SITE, "s", ("*",), NOW, "j")
    for keyring in (before, after):
        token = mint_widget(keyring.site_key(SITE, 1), SITE, 1, claims)
        assert after.verify_widget(parse_unverified(token), 1, 1, NOW) == claims
    assert after.site_key(SITE, 1) == Keyring([new]).site_key(SITE, 1)


def test_a_token_of_a_retired_generation_is_rejected() -> None:
    token = mint_widget(
        KEYRING.site_key(SITE, 4), SITE, 4, WidgetClaims(SITE, "s", ("*",), NOW, "j")
    )
    assert KEYRING.verify_widget(parse_unverified(token), 4, 4, NOW).story == "s"
    for oldest, newest in ((5, 9), (1, 3)):
        with pytest.raises(TokenInvalidError):
            KEYRING.verify_widget(parse_unverified(token), oldest, newest, NOW)


def test_parse_unverified_checks_only_the_shape() -> None:
    unverified = parse_unverified("w1.a.7.e30." + "A" * 43)
    assert (unverified.type, unverified.site, unverified.generation) == ("w1", "a", 7)
    for text in ("w1.-a.7.e30.", "w1." + "a" * 41 + ".7.e30.", "w1.a.1234567890.e30.", "w1.a.7.."):
        with pytest.raises(TokenInvalidError):
            parse_unverified(text + "A" * 43)


def test_a_widget_token_has_the_claims_that_were_minted() -> None:
    claims = WidgetClaims(
        site=SITE,
        story="a/b?c",
        origins=("https://a.example", "https://*.b.example:8443"),
        iat=NOW,
        jti="",
        exp=NOW + 1,
        can=("read",),
        attribution=Attribution("https://a.example/", "T", "A", "P", "CC0-1.0"),
        changes="none",
        label="L",
        lang="pt-BR",
        listed=True,
    )
    opened = verify("w1", mint_widget(KEY, SITE, NEWEST, claims))
    assert isinstance(opened, WidgetClaims)
    assert dataclasses.replace(opened, jti="") == claims
    assert re.fullmatch("[0-9a-f]{64}", opened.jti)


def test_a_token_that_no_server_would_accept_is_not_minted() -> None:
    good = WidgetClaims(SITE, "s", ("*",), NOW, "j")
    for change in ({"story": ""}, {"origins": ("http://a.example",)}, {"lang": "_"}, {"can": ()}):
        with pytest.raises(ValueError, match=r"claim|origin"):
            mint_widget(KEY, SITE, NEWEST, dataclasses.replace(good, **change))
    with pytest.raises(ValueError, match="slug"):
        mint_widget(KEY, "No Slug", NEWEST, good)
    with pytest.raises(ValueError, match="longer"):
        mint(KEY, "w1", SITE, NEWEST, {"x": "x" * 4_000})


def test_an_empty_descriptive_claim_equals_an_absent_one() -> None:
    payload = {"story": "s", "origins": ["*"], "iat": NOW, "title": "", "lang": None, "license": ""}
    opened = verify("w1", mint(KEY, "w1", SITE, NEWEST, payload))
    assert isinstance(opened, WidgetClaims)
    assert (opened.attribution, opened.lang) == (Attribution(), None)


@pytest.mark.parametrize("value", [None, 1, "true", []])
def test_whether_a_copy_agrees_to_be_listed_is_true_or_false(value: Any) -> None:
    payload = {"story": "s", "origins": ["*"], "iat": NOW, "list": value}
    with pytest.raises(TokenInvalidError):
        verify("w1", mint(KEY, "w1", SITE, NEWEST, payload))


def test_origins_are_read_in_canonical_spelling() -> None:
    payload = {"story": "s", "origins": ["https://News.Example:443", "https://bücher.example"]}
    opened = verify("w1", mint(KEY, "w1", SITE, NEWEST, {**payload, "iat": NOW}))
    assert isinstance(opened, WidgetClaims)
    assert opened.origins == ("https://news.example", "https://xn--bcher-kva.example")


def test_a_publishers_clock_may_be_a_minute_ahead() -> None:
    for ahead, taken in ((60, True), (61, False)):
        payload = {"story": "s", "origins": ["*"], "iat": NOW + ahead}
        token = mint(KEY, "w1", SITE, NEWEST, payload)
        if taken:
            assert verify("w1", token).site == SITE
        else:
            with pytest.raises(TokenInvalidError):
                verify("w1", token)


def test_an_expired_widget_token_still_verifies() -> None:
    claims = WidgetClaims(SITE, "s", ("*",), NOW - 9, "j", exp=NOW - 5)
    assert verify("w1", mint_widget(KEY, SITE, NEWEST, claims)) == claims


@pytest.mark.parametrize(
    ("change", "rejection"),
    [
        ({"exp": NOW}, TokenInvalidError),
        ({"exp": NOW + 601}, TokenInvalidError),
        ({"iat": NOW + 61, "exp": NOW + 100}, TokenInvalidError),
        ({"iat": NOW - 300, "exp": NOW}, TokenExpiredError),
        ({"iat": NOW - 700, "exp": NOW - 100}, TokenExpiredError),
        ({"exp": float(NOW + 300)}, TokenInvalidError),
        ({"iat": True}, TokenInvalidError),
        ({"sub": 81}, TokenInvalidError),
        ({"sub": ""}, TokenInvalidError),
        ({"sub": "x" * 201}, TokenInvalidError),
        ({"sub": "a\x00"}, TokenInvalidError),
        ({"name": ""}, TokenInvalidError),
        ({"name": "x" * 61}, TokenInvalidError),
        ({"name": "\u200b\u3164"}, TokenInvalidError),
        ({"name": "a\u202eb"}, TokenInvalidError),
        ({"jti": None}, TokenInvalidError),
        ({"jti": "a b"}, TokenInvalidError),
        ({"author": 1}, TokenInvalidError),
        ({"avatar": "http://a.example/x.png"}, TokenInvalidError),
        ({"avatar": "https://a.example/" + "x" * 500}, TokenInvalidError),
        ({"avatar": "//a.example/x.png"}, TokenInvalidError),
    ],
)
def test_an_identity_token_with_a_wrong_claim_is_rejected(
    change: dict[str, object], rejection: type[ProblemError]
) -> None:
    assert verify("i1", mint(KEY, "i1", SITE, NEWEST, IDENTITY)).site == SITE
    with pytest.raises(rejection):
        verify("i1", mint(KEY, "i1", SITE, NEWEST, {**IDENTITY, **change}))


@pytest.mark.parametrize("missing", sorted(IDENTITY))
def test_an_identity_token_needs_all_its_claims(missing: str) -> None:
    payload = {name: value for name, value in IDENTITY.items() if name != missing}
    with pytest.raises(TokenInvalidError):
        verify("i1", mint(KEY, "i1", SITE, NEWEST, payload))


def test_a_reader_token_is_valid_only_on_its_own_site() -> None:
    avatar = "https://a.example/z.png"
    vouched = ReaderClaims(SITE, new_rid(), "u", "Zoë", avatar, True, generation=2, exp=1_800)
    token = KEYRING.issue_reader(SITE, vouched)
    assert KEYRING.verify_reader(token, SITE) == vouched
    with pytest.raises(TokenInvalidError):
        KEYRING.verify_reader(token, "other")


def test_a_reader_token_signed_with_a_site_key_is_rejected() -> None:
    payload = {"rid": "00" * 16}
    for key, generation in ((KEY, NEWEST), (KEY, 0), (VECTORS["secrets"][0], 1)):
        with pytest.raises(TokenInvalidError):
            verify("r1", mint(key, "r1", SITE, generation, payload))
    for claim in ({"generation": "2"}, {"generation": True}, {"exp": "never"}, {"exp": -1}):
        with pytest.raises(TokenInvalidError):
            verify("r1", mint(VECTORS["secrets"][0], "r1", SITE, 0, payload | claim))
    for rid in ("00" * 15, "AA" * 16, 7, None):
        with pytest.raises(TokenInvalidError):
            verify("r1", mint(VECTORS["secrets"][0], "r1", SITE, 0, {"rid": rid}))


def test_no_widget_token_is_minted_with_the_id_reserved_for_copies_without_a_token() -> None:
    claims = WidgetClaims(SITE, "a", ("*",), iat=1, jti="open")
    with pytest.raises(ValueError, match="“open”"):
        mint_widget(KEY, SITE, NEWEST, claims)


def test_reader_ids_are_128_random_bits() -> None:
    made = {new_rid() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", rid) for rid in made)


def test_a_first_gives_the_same_reader_id_on_all_servers_with_the_secret_only() -> None:
    rid = KEYRING.derived_reader_id("a first")
    assert re.fullmatch("[0-9a-f]{32}", rid)
    assert Keyring([VECTORS["secrets"][0]]).derived_reader_id("a first") == rid
    others = {
        KEYRING.derived_reader_id("another"),
        Keyring(["another secret " * 2]).derived_reader_id("a first"),
    }
    assert rid not in others
    assert len(others) == 2


@pytest.mark.parametrize("secrets", [[], [""], ["short"], ["x" * 16, "short"], "x" * 40])
def test_a_short_or_missing_secret_is_rejected_with_a_sentence(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match=r"secret key.*\.$"):
        Keyring(secrets)


def test_a_keyring_does_not_show_its_secrets() -> None:
    assert VECTORS["secrets"][0] not in repr(KEYRING) + str(KEYRING)


@pytest.mark.parametrize(("language", "command"), [("python", [sys.executable, "-"]), ("js", None)])
def test_the_documented_examples_print_the_documented_token(
    language: str, command: list[str] | None
) -> None:
    done = subprocess.run(
        command or [node(), "-"],
        input=example(language),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [SAMPLES["w1"], VECTORS["story_codes"][0]["code"]]
    assert f"    {SAMPLES['w1']}\n" in DOCS
    assert f"`{VECTORS['story_codes'][0]['code']}`" in DOCS
    assert KEY in example("php")


def test_bus_keys_are_derived_and_the_newest_is_first() -> None:
    older, newer = "an older secret of the server", "a newer secret of the server"
    keys = Keyring([newer, older]).bus_keys()
    assert keys == Keyring([newer]).bus_keys() + Keyring([older]).bus_keys()
    assert len({*keys, newer.encode(), older.encode()}) == 4
    assert {len(key) for key in keys} == {32}
