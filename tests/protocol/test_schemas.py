"""All encoded messages, and the golden messages, match the models of the reference."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st
from pydantic import TypeAdapter

from widget_server.auth.proofs import ProofIssuer
from widget_server.model import hours_values
from widget_server.model.bans import Ban
from widget_server.model.decisions import REASONS
from widget_server.model.errors import ProblemError, ProofNeededError, RateLimitedError
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.model.hints import HINT_STATES, Hint
from widget_server.model.outcomes import Outcome, Report
from widget_server.model.reactions import Reaction
from widget_server.model.records import (
    STORY,
    Comment,
    CommentState,
    Copy,
    OlderCopy,
    PlacedCopy,
    Position,
    Story,
    Tally,
    Thread,
    Translation,
)
from widget_server.model.settings import CallToAction, SiteSettings
from widget_server.protocol import schemas, serializers, server_messages

GOLDEN = sorted((Path(__file__).parents[1] / "contract/frames").glob("*.json"))
CHALLENGE = ProofIssuer(("a secret of the proofs that is long enough",)).challenge(
    "0a1b2C3d4E5f", 0
)
BY_TYPE: dict[str, type[Any]] = {
    "snapshot": schemas.Snapshot,
    "tally": schemas.TallyMessage,
    "comment": schemas.CommentMessage,
    "story": schemas.StoryMessage,
    "presence": schemas.PresenceMessage,
    "copy.older": schemas.CopyOlderMessage,
    "ok": schemas.OkMessage,
    "error": schemas.ErrorMessage,
    "goodbye": schemas.ReconnectMessage,
}


def check(message: bytes | dict[str, Any]) -> dict[str, Any]:
    """Check that a message has exactly the fields of its model; return it as JSON."""
    content: dict[str, Any] = message if isinstance(message, dict) else orjson.loads(message)
    BY_TYPE[content["type"]].model_validate_json(orjson.dumps(content), strict=True)
    return content


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.integers(0, 32_503_680_000_000)
tallies = st.builds(Tally, st.integers(0, 9), st.dictionaries(texts, st.integers(0, 9), max_size=3))
copies = st.none() | st.builds(
    Copy, st.integers(1, 9), st.none() | texts, st.none() | st.just("https://copy.example")
)
comments = st.builds(
    Comment,
    id=texts,
    parent=st.none() | texts,
    thread=texts,
    born=st.integers(0, 9),
    seq=st.integers(0, 9),
    state=st.sampled_from(CommentState),
    source=st.just("SOURCE"),
    text=st.just([["p", None, "hello"]]),
    name=st.none() | texts,
    email=st.just("EMAIL"),
    website=st.none() | texts,
    role=st.sampled_from([None, "author", "moderator"]),
    reader=st.just("READER"),
    copy=copies,
    lang=st.none() | texts,
    created_at=times,
    edited_at=st.none() | times,
    pinned=st.booleans(),
    tally=tallies,
    vouched=st.booleans(),
    waiting=st.booleans(),
)
stories = st.builds(
    Story,
    **dict.fromkeys(
        ("id", "attributed", "seq", "tallies", "count", "created_at"), st.integers(0, 9)
    ),
    **dict.fromkeys(("code", "site", "key", "license"), texts),
    **dict.fromkeys(("title", "author", "publisher", "url", "notice"), st.none() | texts),
    closed=st.booleans(),
    tally=tallies,
    translations=st.dictionaries(
        texts, st.builds(Translation, texts, texts, st.booleans()), max_size=3
    ),
)


@given(comments, st.booleans())
def test_a_comment_message_matches_its_model_and_contains_no_secret(
    record: Comment, show_copy: bool
) -> None:
    event = CommentChanged("S", 3, record, 7, "s")
    payload, offset = server_messages.encode_comment(event, "e", show_copy=show_copy)
    message = check(payload)
    # The comment's own bytes, which resumed snapshots reuse.
    assert payload[offset:-1] == server_messages.comment_json(record, show_copy=show_copy)
    assert message["position"] == {"epoch": "e", "seq": 3}
    for secret in (b"SOURCE", b"EMAIL", b"READER"):
        assert secret not in payload
    if not show_copy or record.state is CommentState.REMOVED:
        assert message["comment"]["copy"] is None
    if record.state is CommentState.REMOVED:
        assert message["comment"]["text"] == []
        assert set(message["comment"]["author"].values()) == {None, False}


@given(comments)
def test_an_own_comment_has_its_source_and_no_email(record: Comment) -> None:
    own = serializers.own_comment(record, 900)
    schemas.OwnComment.model_validate_json(orjson.dumps(own), strict=True)
    assert own["body"] == "SOURCE"
    assert ("waiting" in own) == record.waiting
    assert b"EMAIL" not in orjson.dumps(own)


outcomes = st.builds(
    Outcome,
    state=st.sampled_from(["removed", "held", "edit_rejected", "restored"]),
    decision=st.just("DECISION"),
    reason=st.none() | st.sampled_from(list(REASONS)),
    by=st.sampled_from(["person", "rule"]),
    at=times,
    may_appeal=st.booleans(),
    appeal=st.sampled_from([None, "waiting", "upheld", "overturned"]),
)
reports = st.builds(
    Report,
    comment=texts,
    category=st.none() | st.sampled_from(list(REASONS)),
    at=times,
    state=st.sampled_from(["waiting", "removed", "kept", "gone"]),
)


hints = st.builds(
    Hint,
    id=texts,
    at=times,
    text=st.none() | texts,
    passage=st.none() | texts,
    credit=st.none() | texts,
    state=st.sampled_from(HINT_STATES),
    answer=st.none() | texts,
    correction=st.none() | texts,
    decided_at=st.none() | times,
)


@given(comments, outcomes, st.lists(reports, max_size=2), st.lists(hints, max_size=2))
def test_what_was_decided_matches_its_model_and_names_nobody(
    record: Comment, outcome: Outcome, reported: list[Report], sent: list[Hint]
) -> None:
    payload = server_messages.own_json(
        {}, [record], SiteSettings(), {record.id: outcome}, reported, sent
    )
    own = schemas.Own.model_validate_json(payload, strict=True)
    assert own.comments[0].decision is not None
    assert (own.comments[0].decision.appeal is None) == (outcome.appeal is None)
    assert len(own.reports or []) == len(reported)
    assert [one.state for one in own.hints or []] == [one.state for one in sent]
    for secret in (b"DECISION", b"EMAIL", b"READER"):
        assert secret not in payload
    for public in (
        server_messages.comment_json(record, show_copy=True),
        server_messages.encode_comment(
            CommentChanged("S", 3, record, 7, "s"), "e", show_copy=True
        ).payload,
    ):
        assert b'"decision"' not in public


@given(times, st.none() | times, st.sampled_from(["read", "approval"]))
def test_a_ban_matches_its_model_and_does_not_tell_the_subject(
    at: int, until: int | None, mode: Any
) -> None:
    ban = Ban("s", "SUBJECT", "reader", mode, "DECISION", "COMMENT", "spam", at, until, True)
    payload = orjson.dumps(serializers.ban(ban, may_appeal=True, appeal=None))
    told = schemas.OwnBan.model_validate_json(payload, strict=True)
    assert (told.mode, told.until is None) == (mode, until is None)
    for secret in (b"SUBJECT", b"DECISION", b"COMMENT"):
        assert secret not in payload


@given(tallies, st.none() | texts)
def test_a_tally_message_matches_its_model(tally: Tally, comment: str | None) -> None:
    payload, offset = server_messages.encode_tally(TallyChanged("S", comment, tally))
    assert check(payload)["version"] == tally.version
    assert b"{" + payload[offset:] == server_messages.tally_json(tally)


@given(stories)
def test_a_story_message_matches_its_model(story: Story) -> None:
    settings = SiteSettings(guidelines="https://x.example")
    message = check(server_messages.encode_story(StoryChanged("CODE", 3, story), "e", settings))
    assert message["story"] == "CODE"
    assert message["settings"]["guidelines"] == "https://x.example"


@given(
    stories,
    st.lists(
        st.builds(Thread, comments, st.lists(comments, max_size=2), st.integers(0, 5)), max_size=2
    ),
)
def test_the_parts_of_a_snapshot_join_to_a_valid_snapshot(
    story: Story, threads: list[Thread]
) -> None:
    parts = [
        b'"type":"snapshot","ref":1',
        server_messages.snapshot_head_json(story, SiteSettings()),
        b'"position":' + orjson.dumps(serializers.position(Position("e", 1))),
        b'"count":1,"resumed":false',
        b'"tally":' + server_messages.tally_json(story.tally),
        b'"presence":{"readers":1,"copies":1}',
        b'"comments":' + server_messages.snapshot_threads_json(threads, None, show_copy=True),
        b'"mine":'
        + server_messages.own_json({STORY: "sad"}, [t.top for t in threads], SiteSettings()),
    ]
    snapshot = check(b"{" + b",".join(parts) + b"}")
    for older in (None, {"changed_at": 1, "url": "https://widgets.example/s/S/changes?from=1"}):
        own = server_messages.with_own_fields(orjson.dumps(snapshot), {"older": older})
        assert check(own)["older"] == older
    assert snapshot["mine"]["reaction"] == "sad"


def test_replies_match_their_models() -> None:
    check(server_messages.encode_ok(None))
    check(
        server_messages.encode_ok(3, story="S", tally={"version": 1, "counts": {}}, reaction=None)
    )
    check(server_messages.encode_ok(3, hint=serializers.hint(Hint("h", 1, "It was 1961."))))
    check(server_messages.encode_presence("S", 3, 2))
    older = serializers.older_copy(
        OlderCopy(PlacedCopy(1, "S", None, "https://copy.example"), 2, 1_764_000_000_000),
        "https://widgets.example",
    )
    assert check(server_messages.encode_copy_older("S", older))["url"].endswith("?from=2")
    assert "url" not in check(server_messages.encode_copy_older("S", None))
    check(server_messages.encode_goodbye(1234))
    assert "ref" not in check(server_messages.encode_error(None, RateLimitedError(retry_after=3)))


def error_classes(kind: type[ProblemError] = ProblemError) -> list[type[ProblemError]]:
    own = [kind] if "code" in vars(kind) else []
    return own + [leaf for child in kind.__subclasses__() for leaf in error_classes(child)]


@pytest.mark.parametrize("kind", error_classes())
def test_every_error_has_one_sentence_that_says_what_to_do(kind: type[ProblemError]) -> None:
    error = kind(CHALLENGE) if issubclass(kind, ProofNeededError) else kind()
    message = check(server_messages.encode_error(1, error))
    assert message["code"] == kind.code
    assert re.fullmatch(r"[A-Z].+\.", message["detail"])


@given(times)
def test_times_are_utc_in_rfc_3339(ms: int) -> None:
    text = serializers.rfc3339(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    at = datetime.fromisoformat(text)
    assert round(at.timestamp() * 1000) == ms


def test_settings_include_the_sites_own_reactions() -> None:
    own = SiteSettings(reactions=(Reaction("wow", "Wow", "🤩"),))
    encoded = serializers.settings(own)
    schemas.Settings.model_validate_json(orjson.dumps(encoded), strict=True)
    assert encoded["reactions"] == [{"key": "wow", "label": "Wow", "emoji": "🤩"}]


def test_all_settings_of_a_site_match_their_model() -> None:
    face = ("M0 0h24v24z", "", "#ff0000")
    own = SiteSettings(
        prompts={"es": "¿Cómo?"},
        reactions=(
            Reaction("wow", "Wow", "🤩", {"es": "Guau"}, face),
            Reaction("sad", "Sad", "😢", hidden=True),
        ),
        guidelines_text="Be kind.",
        guidelines_texts={"es": "Sé amable."},
        guidelines_trees={"": [["p", None, "Be kind."]], "es": [["p", None, "Sé amable."]]},
        comment_licence="CC-BY-4.0",
        calls_to_action=(CallToAction("https://a.example", "Lend", {"es": "Presta"}),),
    )
    encoded = serializers.settings(own)
    schemas.Settings.model_validate_json(orjson.dumps(encoded), strict=True)
    (wow,) = encoded["reactions"]
    assert (wow["labels"], wow["face"]) == ({"es": "Guau"}, face)
    # The source in Markdown stays on the server.
    assert b"guidelines_trees" not in orjson.dumps(encoded)
    assert encoded["guidelines_texts"] == {"es": [["p", None, "Sé amable."]]}


# Golden messages ----------------------------------------------------------------------------------


def golden(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def test_there_are_golden_messages() -> None:
    assert len(GOLDEN) >= 10


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_messages_match_their_models(path: Path) -> None:
    scenario = golden(path)
    for message in (scenario["snapshot"], *scenario["frames"]):
        check(message)


def to_tally(view: dict[str, Any]) -> Tally:
    return TypeAdapter(Tally).validate_python(view)


def to_ms(text: str | None) -> Any:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def to_record(view: dict[str, Any]) -> Comment:
    """Return the record of a golden comment."""
    copy = view["copy"]
    return Comment(
        **{k: view[k] for k in ("id", "parent", "thread", "seq", "text", "lang", "pinned")},
        **view["author"],
        born=view["published_seq"],
        state=CommentState(view["state"]),
        source="",
        email=None,
        reader="r",
        copy=None if copy is None else Copy(1, copy["label"], copy["origin"]),
        created_at=to_ms(view["created_at"]),
        edited_at=to_ms(view["edited_at"]),
        tally=to_tally(view["tally"]),
        licence=view.get("license"),
    )


def encode(message: dict[str, Any], snapshot: dict[str, Any]) -> bytes:
    """Encode the event of a golden message."""
    if message["type"] == "comment":
        seq, record = message["position"]["seq"], to_record(message["comment"])
        event = CommentChanged(message["story"], seq, record, message["count"], "s")
        return server_messages.encode_comment(
            event, message["position"]["epoch"], show_copy=True
        ).payload
    if message["type"] == "tally":
        tally = Tally(message["version"], message["counts"])
        return server_messages.encode_tally(
            TallyChanged(message["story"], message.get("comment"), tally)
        ).payload
    if message["type"] == "presence":
        return server_messages.encode_presence(
            message["story"], message["readers"], message["copies"]
        )
    if message["type"] == "story":
        fields = {
            **snapshot["story"],
            **{k: v for k, v in message.items() if k in snapshot["story"]},
        }
        numbers: dict[str, Any] = dict.fromkeys(
            ("id", "attributed", "seq", "tallies", "count", "created_at"), 0
        )
        story = Story(**fields, **numbers, tally=Tally(0, {}))
        chosen = {k: v for k, v in message["settings"].items() if k != "max_length"}
        trees = {"": chosen.pop("guidelines_text", None), **chosen.pop("guidelines_texts", {})}
        chosen["guidelines_trees"] = {k: v for k, v in trees.items() if v is not None}
        if not any("face" in reaction for reaction in chosen["reactions"]):
            chosen["reaction_style"] = "emoji"
        change = StoryChanged(message["story"], message["position"]["seq"], story)
        epoch = message["position"]["epoch"]
        return server_messages.encode_story(change, epoch, SiteSettings.from_json(chosen))
    return orjson.dumps(message)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_server_encodes_the_golden_messages(path: Path) -> None:
    scenario = golden(path)
    for message in scenario["frames"]:
        encoded = orjson.loads(encode(message, scenario["snapshot"]))
        # The server sends all fields of a changed story, also the unchanged ones.
        assert {key: encoded[key] for key in message} == message
        assert encoded == message or message["type"] == "story"
    for thread in scenario["snapshot"]["comments"]["threads"]:
        replies = [to_record(reply) for reply in thread["replies"]]
        view = serializers.thread(Thread(to_record(thread), replies, thread["more"]))
        assert view == thread


@given(comments)
def test_an_unsigned_name_has_no_check_mark_however_old_it_is(record: Comment) -> None:
    record = replace(record, state=CommentState.PUBLISHED, name="Vera ✔️ Holm ✓")
    name = serializers.comment(replace(record, vouched=False))["author"]["name"]
    assert name == "Vera \ufe0f Holm"
    assert serializers.comment(replace(record, vouched=True))["author"]["name"] == record.name
    assert serializers.comment(replace(record, vouched=False, name="✅"))["author"]["name"] is None


def test_a_snapshot_of_a_site_with_hours_matches_its_model_and_says_when_comments_open() -> None:
    night = SiteSettings(hours=hours_values.hours(None, "UTC; mon-sun 06:00-22:00 open"))
    at = 1_774_670_400_000  # 28 March 2026, 04:00 UTC.
    settings = serializers.settings(night, at)
    assert settings["mode"] == "closed"
    assert settings["opens_at"] == "2026-03-28T06:00:00.000Z"
    assert settings["closes_at"] == "2026-03-28T22:00:00.000Z"
    assert settings["edges"][0] == {"at": settings["opens_at"], "mode": "open"}
    assert len(settings["edges"]) == serializers.MAX_EDGES
    fields = orjson.loads(b"{" + server_messages.public_fields_json(night, at)[1:] + b"}")
    assert fields == {"can": ["read", "react"], "granted": ["read", "react", "comment"]}
    schemas.Settings.model_validate(settings)
    later = at + 3 * 3_600_000
    assert server_messages.public_fields_json(night, later) == b""
    assert serializers.permissions(["read"], closed=True) == {"can": ["read"]}
