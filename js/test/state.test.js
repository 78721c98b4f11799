import assert from "node:assert/strict";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import { extend, find } from "../src/parts/live/find-comment.js";
import * as base from "../src/state.js";
import { comment, frame, snapshot, thread } from "./fixtures.js";

const { INITIAL_STATE, selectedReaction, counts, reduce, optimisticReaction } = base;
base.installCommentReducer(createReducer(base));

const play = (...events) => events.reduce(reduce, INITIAL_STATE);
const names = (state) => state.threads.map(({ id }) => id);

test("what comes while the reader reads is known but held back", () => {
  const state = play(snapshot(1, [thread("a")]), frame(2, comment("b", { minute: 1 })));
  assert.deepEqual(state.unseen, ["b"]);
  assert.deepEqual(names(state), ["b", "a"]);
});

test("the reader's own comment is never held back, also when its echo comes first", () => {
  const own = { ...comment("b", { minute: 1, seq: 2 }), body: "b", editable_until: "2026" };
  for (const events of [
    [{ type: "own", comment: own }, frame(2, comment("b", { minute: 1 }))],
    [frame(2, comment("b", { minute: 1 })), { type: "own", comment: own }],
  ]) {
    const state = play(snapshot(1, [thread("a")]), ...events);
    assert.deepEqual(state.unseen, []);
    assert.deepEqual(names(state), ["b", "a"]);
    assert.equal(state.mine.comments.b?.body, "b");
  }
});

test("a comment removed before it was seen never comes", () => {
  const news = comment("b", { minute: 1 });
  const state = play(
    snapshot(1, [thread("a")]),
    frame(2, news),
    frame(3, { ...news, state: "removed", text: [] }),
  );
  assert.deepEqual(state.unseen, []);
  assert.deepEqual(names(state), ["a"]);
});

/** As pressed by the reader: the state, and the wish in it. */
const press = (state, reaction) => {
  const wish = optimisticReaction(state, reaction);
  return [reduce(state, { type: "set", change: { optimistic: wish } }), wish];
};

test("a wish shows at once, and what others do meanwhile does not make it jump", () => {
  let [state, wish] = press(play(snapshot(1, [])), "happy");
  assert.equal(selectedReaction(state), "happy");
  assert.equal(counts(state).happy, 3);
  state = reduce(state, { type: "tally", story: "C", version: 2, counts: { happy: 3, sad: 0 } });
  assert.equal(counts(state).happy, 3);
  const tally = { version: 3, counts: { happy: 3, sad: 1 } };
  state = reduce(state, { type: "answered", optimistic: wish, tally });
  assert.equal(selectedReaction(state), "happy");
  assert.deepEqual({ ...counts(state) }, { happy: 3, sad: 1 });
});

test("a wish takes back what it takes the place of", () => {
  const [state] = press(play(snapshot(1, [], { mine: { reaction: "happy" } })), "sad");
  assert.deepEqual({ ...counts(state) }, { happy: 1, sad: 1 });
  const [none] = press(state, "sad");
  assert.equal(selectedReaction(none), null);
  assert.deepEqual({ ...counts(none) }, { happy: 1, sad: 0 });
});

test("a reaction may be called like what every object has", () => {
  const state = play(snapshot(1, []));
  assert.equal(counts(state).constructor, undefined);
  assert.equal(optimisticReaction(state, "constructor").counts.constructor, 1);
});

test("of two wishes the last one stays, whatever the first is answered", () => {
  const tally = { version: 2, counts: { happy: 3, sad: 0 } };
  const [first, wish] = press(play(snapshot(1, [])), "happy");
  const [second] = press(first, "happy");
  const state = reduce(second, { type: "answered", optimistic: wish, tally });
  assert.equal(selectedReaction(state), null);
  assert.equal(counts(state).happy, 2);
});

test("a later snapshot keeps the pages that the reader has loaded", () => {
  const page = [thread("c", { minute: 3 }), thread("b", { minute: 2 })];
  let state = play(snapshot(1, page, { comments: { threads: page, next: "x" } }));
  state = reduce(state, {
    type: "set",
    change: { threads: [...state.threads, thread("a", { minute: 1 })], next: null },
  });
  const newer = [thread("d", { minute: 4 }), page[0]];
  state = reduce(state, snapshot(9, newer, { comments: { threads: newer, next: "y" } }));
  assert.deepEqual(names(state), ["d", "c", "b", "a"]);
  assert.equal(state.next, null);
  assert.deepEqual(state.unseen, ["d"]);
});

test("a later snapshot with nothing in common replaces the list: what lies between is unknown", () => {
  const page = [thread("d", { minute: 9 }), thread("c", { minute: 8 })];
  const state = play(
    snapshot(1, [thread("b", { minute: 2 }), thread("a")]),
    snapshot(50, page, { comments: { threads: page, next: "y" } }),
  );
  assert.deepEqual(names(state), ["d", "c"]);
  assert.equal(state.next, "y");
});

test("a later snapshot brings replies, edits and tombstones to where they belong", () => {
  const gone = { seq: 3, state: "removed", text: [] };
  const reply = comment("r", { thread: "a", parent: "a", minute: 5, seq: 2 });
  const state = play(
    snapshot(1, [thread("b", { minute: 2 }), thread("a")]),
    snapshot(5, [thread("b", { minute: 2, ...gone }), thread("a", { seq: 1 }, [reply])]),
  );
  assert.equal(state.threads[0]?.state, "removed");
  assert.deepEqual(state.threads[1]?.replies, [reply]);
  assert.deepEqual(state.unseen, ["r"]);
});

test("another epoch replaces everything", () => {
  const other = snapshot(1, [thread("z")], { position: { epoch: "f", seq: 1 } });
  const state = play(snapshot(50, [thread("a")]), other);
  assert.deepEqual(names(state), ["z"]);
  assert.deepEqual(state.unseen, []);
  assert.equal(state.position?.epoch, "f");
});

test("an answer from a cache does not take back what the socket brought", () => {
  const state = play(
    snapshot(1, [thread("a")]),
    frame(2, comment("b", { minute: 1 })),
    snapshot(1, [thread("a")]),
  );
  assert.deepEqual(names(state), ["b", "a"]);
  assert.equal(state.position?.seq, 2);
});

test("a frame of another epoch waits for its snapshot", () => {
  const before = play(snapshot(1, [thread("a")]));
  const late = { ...frame(2, comment("b")), position: { epoch: "f", seq: 2 } };
  assert.equal(reduce(before, late), before);
});

test("a comment older than all pages that were loaded comes with its page", () => {
  const page = [thread("c", { minute: 3 })];
  const state = play(
    snapshot(1, page, { comments: { threads: page, next: "x" } }),
    frame(2, comment("a", { minute: 1 })),
  );
  assert.deepEqual(names(state), ["c"]);
  assert.deepEqual(state.unseen, []);
  assert.equal(state.count, 9);
});

const reply = (id, published_seq, rest = {}) =>
  comment(id, { thread: "a", parent: "a", published_seq, seq: published_seq, ...rest });
const cut = (replies, more, next = replies.at(-1)?.id ?? "a", rest = {}) => ({
  ...thread("a", rest, replies, more),
  next: more ? next : null,
});
const only = (state) => state.threads[0];
const held = (state) => only(state).replies.map(({ id }) => id);

test("a new reply to a thread with replies left out is counted, one that changed is not", () => {
  const state = play(
    snapshot(9, [cut([reply("r", 2)], 3)]),
    frame(10, reply("old", 4, { seq: 10 })),
    frame(11, reply("new", 11)),
    frame(12, reply("new", 11, { seq: 12, state: "removed" })),
  );
  assert.equal(only(state).more, 4);
  assert.deepEqual(held(state), ["r"]);
  assert.deepEqual(state.unseen, []);
});

test("a reply of one's own stands at the end of a cut thread and is not counted", () => {
  const own = { ...reply("me", 10), body: "x", editable_until: "" };
  const state = play(snapshot(9, [cut([reply("r", 2)], 3)]), { type: "own", comment: own });
  assert.deepEqual(held(state), ["r", "me"]);
  assert.equal(only(state).more, 3);
  const paged = extend(only(state), { ...cut([reply("s", 3)], 3), earlier: 1 });
  assert.deepEqual([paged.replies.map(({ id }) => id), paged.more, paged.next], [["r", "s", "me"], 2, "s"]);
});

test("a further part is joined to what is held, and the last one leaves nothing out", () => {
  const first = cut([reply("r", 2), reply("s", 3, { seq: 9, state: "removed" })], 2);
  const part = { ...cut([reply("s", 3), reply("t", 4), reply("u", 5)], 0), earlier: 1 };
  const whole = extend(first, part);
  assert.deepEqual(whole.replies.map(({ id, state }) => id + state[0]), ["rp", "sr", "tp", "up"]);
  assert.deepEqual([whole.more, whole.next], [0, null]);
});

test("a later snapshot that is cut earlier takes back nothing, and counts what came", () => {
  const whole = [2, 3, 4].map((n) => reply("r" + n, n));
  const later = snapshot(20, [cut(whole.slice(0, 1), 6)]);
  const state = play(snapshot(9, [cut(whole, 0)]), later);
  assert.deepEqual(held(state), ["r2", "r3", "r4"]);
  assert.deepEqual([only(state).more, only(state).next], [4, "r4"]);
  const before = play(snapshot(9, [cut(whole, 2)]), later);
  assert.deepEqual([only(before).more, only(before).next], [4, "r4"]);
});

test("a resumed snapshot counts new replies beyond the cut", () => {
  const { comments, ...resumed } = snapshot(12, []);
  const changes = [reply("new", 11), reply("old", 3, { seq: 12 })];
  const state = play(snapshot(9, [cut([reply("r", 2)], 3)]), { ...resumed, resumed: true, changes });
  assert.deepEqual([held(state), only(state).more], [["r"], 4]);
});

test("in a part from the middle only new replies are added, at its end", () => {
  const part = { ...cut([reply("r", 5)], 0), earlier: 2 };
  const state = play(snapshot(9, [part]), frame(10, reply("old", 2, { seq: 10 })), frame(11, reply("new", 11)));
  assert.deepEqual([held(state), only(state).earlier], [["r", "new"], 2]);
});

test("a pending comment is drawn for its author and has its place again after a reload", () => {
  const waiting = { ...comment("p", { minute: 5, seq: 0, state: "pending" }), body: "p" };
  const state = play(
    snapshot(1, [thread("a")]),
    snapshot(1, [thread("a")], { mine: { reaction: null, comments: [waiting] } }),
  );
  assert.deepEqual(names(state), ["p", "a"]);
  assert.deepEqual(state.unseen, []);
  const published = reduce(state, frame(2, comment("p", { minute: 5 })));
  assert.equal(find(published, "p")?.state, "published");
  assert.deepEqual(published.unseen, []);
});

test("an unknown message changes nothing", () => {
  const state = play(snapshot(1, []));
  assert.equal(reduce(state, { type: "hologram" }), state);
});
