"""Everything the code sends has the shape that the reference promises, and so do the golden frames."""

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

from widget_server.model.errors import ProblemError, RateLimitedError
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.model.records import Comment, CommentState, Copy, Position, Story, Tally, Thread
from widget_server.model.settings import Reaction, SiteSettings
from widget_server.protocol import schemas, serializers, server_messages

GOLDEN = sorted((Path(__file__).parents[1] / "contract/frames").glob("*.json"))
BY_TYPE: dict[str, type[Any]] = {
    "snapshot": schemas.Snapshot,
    "tally": schemas.TallyMessage,
    "comment": schemas.CommentMessage,
    "story": schemas.StoryMessage,
    "presence": schemas.PresenceMessage,
    "ok": schemas.OkMessage,
    "error": schemas.ErrorMessage,
    "goodbye": schemas.ReconnectMessage,
}


def check(frame: bytes | dict[str, Any]) -> dict[str, Any]:
    """The frame as JSON, once it was found to have exactly the promised fields."""
    content: dict[str, Any] = frame if isinstance(frame, dict) else orjson.loads(frame)
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
)


@given(comments, st.booleans())
def test_a_comment_frame_has_its_shape_and_tells_no_secret(kept: Comment, show_copy: bool) -> None:
    event = CommentChanged("S", 3, kept, 7)
    payload, start = server_messages.encode_comment(event, "e", show_copy=show_copy)
    frame = check(payload)
    # The place where the comment's own bytes lie, for frames that are put together from them.
    assert payload[start:-1] == server_messages.comment_json(kept, show_copy=show_copy)
    assert frame["position"] == {"epoch": "e", "seq": 3}
    for secret in (b"SOURCE", b"EMAIL", b"READER"):
        assert secret not in payload
    if not show_copy or kept.state is CommentState.REMOVED:
        assert frame["comment"]["copy"] is None
    if kept.state is CommentState.REMOVED:
        assert frame["comment"]["text"] == []
        assert set(frame["comment"]["author"].values()) == {None, False}


@given(comments)
def test_an_own_comment_has_its_source_and_no_email(kept: Comment) -> None:
    own = serializers.own_comment(kept, 900)
    schemas.OwnComment.model_validate_json(orjson.dumps(own), strict=True)
    assert own["body"] == "SOURCE"
    assert ("waiting" in own) == kept.waiting
    assert b"EMAIL" not in orjson.dumps(own)


@given(tallies, st.none() | texts)
def test_a_tally_frame_has_its_shape(tally: Tally, comment: str | None) -> None:
    payload, start = server_messages.encode_tally(TallyChanged("S", comment, tally))
    assert check(payload)["version"] == tally.version
    assert b"{" + payload[start:] == server_messages.tally_json(tally)


@given(stories)
def test_a_story_frame_has_its_shape(story: Story) -> None:
    settings = SiteSettings().with_value("guidelines", "https://x.example")
    frame = check(server_messages.encode_story(StoryChanged("CODE", 3, story), "e", settings))
    assert frame["story"] == "CODE"
    assert frame["settings"]["guidelines"] == "https://x.example"


@given(
    stories,
    st.lists(
        st.builds(Thread, comments, st.lists(comments, max_size=2), st.integers(0, 5)), max_size=2
    ),
)
def test_the_parts_of_a_snapshot_make_one_with_its_shape(
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
        + server_messages.own_json({"": "sad"}, [t.top for t in threads], SiteSettings()),
    ]
    snapshot = check(b"{" + b",".join(parts) + b"}")
    assert snapshot["mine"]["reaction"] == "sad"


def test_answers_have_their_shape() -> None:
    check(server_messages.encode_ok(None))
    check(
        server_messages.encode_ok(3, story="S", tally={"version": 1, "counts": {}}, reaction=None)
    )
    check(server_messages.encode_presence("S", 3, 2))
    check(server_messages.encode_goodbye(1234))
    assert "ref" not in check(server_messages.encode_error(None, RateLimitedError(retry_after=3)))


def every_refusal(kind: type[ProblemError] = ProblemError) -> list[type[ProblemError]]:
    own = [kind] if "code" in vars(kind) else []
    return own + [found for one in kind.__subclasses__() for found in every_refusal(one)]


@pytest.mark.parametrize("kind", every_refusal())
def test_every_refusal_says_in_a_sentence_what_to_do(kind: type[ProblemError]) -> None:
    frame = check(server_messages.encode_error(1, kind()))
    assert frame["code"] == kind.code
    assert re.fullmatch(r"[A-Z].+\.", frame["detail"])


@given(times)
def test_times_are_utc_in_rfc_3339(ms: int) -> None:
    text = serializers.rfc3339(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    at = datetime.fromisoformat(text)
    assert round(at.timestamp() * 1000) == ms


def test_settings_tell_the_embed_all_it_shows() -> None:
    own = SiteSettings(reactions=(Reaction("wow", "Wow", "🤩"),))
    told = serializers.settings(own)
    schemas.Settings.model_validate_json(orjson.dumps(told), strict=True)
    assert told["reactions"] == [{"key": "wow", "label": "Wow", "emoji": "🤩"}]


# Golden frames ------------------------------------------------------------------------------------


def golden(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def test_there_are_golden_frames() -> None:
    assert len(GOLDEN) >= 10


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_scenario_holds_what_a_server_sends(path: Path) -> None:
    scenario = golden(path)
    for frame in (scenario["snapshot"], *scenario["frames"]):
        check(frame)


def to_tally(view: dict[str, Any]) -> Tally:
    return TypeAdapter(Tally).validate_python(view)


def to_ms(text: str | None) -> Any:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def to_record(view: dict[str, Any]) -> Comment:
    """The record that a golden comment is the view of."""
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
    )


def made(frame: dict[str, Any], snapshot: dict[str, Any]) -> bytes:
    """The frame as our code writes it for the same event."""
    if frame["type"] == "comment":
        seq, record = frame["position"]["seq"], to_record(frame["comment"])
        event = CommentChanged(frame["story"], seq, record, frame["count"])
        return server_messages.encode_comment(event, frame["position"]["epoch"], show_copy=True)[0]
    if frame["type"] == "tally":
        tally = Tally(frame["version"], frame["counts"])
        return server_messages.encode_tally(
            TallyChanged(frame["story"], frame.get("comment"), tally)
        )[0]
    if frame["type"] == "presence":
        return server_messages.encode_presence(frame["story"], frame["readers"], frame["copies"])
    if frame["type"] == "story":
        told = {**snapshot["story"], **{k: v for k, v in frame.items() if k in snapshot["story"]}}
        numbers: dict[str, Any] = dict.fromkeys(
            ("id", "attributed", "seq", "tallies", "count", "created_at"), 0
        )
        story = Story(**told, **numbers, tally=Tally(0, {}))
        chosen = {k: v for k, v in frame["settings"].items() if k != "max_length"}
        if not any("face" in reaction for reaction in chosen["reactions"]):
            chosen["reaction_style"] = "emoji"
        change = StoryChanged(frame["story"], frame["position"]["seq"], story)
        epoch = frame["position"]["epoch"]
        return server_messages.encode_story(change, epoch, SiteSettings.from_json(chosen))
    return orjson.dumps(frame)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_our_code_writes_the_golden_frames(path: Path) -> None:
    scenario = golden(path)
    for frame in scenario["frames"]:
        ours = orjson.loads(made(frame, scenario["snapshot"]))
        # Of a story we tell all that is shown, also what did not change.
        assert {key: ours[key] for key in frame} == frame
        assert ours == frame or frame["type"] == "story"
    for thread in scenario["snapshot"]["comments"]["threads"]:
        replies = [to_record(reply) for reply in thread["replies"]]
        drawn = serializers.thread(Thread(to_record(thread), replies, thread["more"]))
        assert drawn == thread


@given(comments)
def test_a_name_that_no_one_signed_shows_no_tick_however_old_it_is(kept: Comment) -> None:
    kept = replace(kept, state=CommentState.PUBLISHED, name="Vera ✔️ Holm ✓")
    name = serializers.comment(replace(kept, vouched=False))["author"]["name"]
    assert name == "Vera \ufe0f Holm"
    assert serializers.comment(replace(kept, vouched=True))["author"]["name"] == kept.name
    assert serializers.comment(replace(kept, vouched=False, name="✅"))["author"]["name"] is None
