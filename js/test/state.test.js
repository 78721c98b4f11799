import assert from "node:assert/strict";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import { extend, find } from "../src/parts/live/find-comment.js";
import * as base from "../src/state.js";
import { comment, commentMessage, snapshot, thread } from "./fixtures.js";

const { INITIAL_STATE, selectedReaction, counts, reduce, optimisticReaction } = base;
base.installCommentReducer(createReducer(base));

const play = (...events) => events.reduce(reduce, INITIAL_STATE);
const names = (state) => state.threads.map(({ id }) => id);

test("a new comment of another reader is unseen", () => {
  const state = play(snapshot(1, [thread("a")]), commentMessage(2, comment("b", { minute: 1 })));
  assert.deepEqual(state.unseen, ["b"]);
  assert.deepEqual(names(state), ["b", "a"]);
});

test("the reader's own comment is never unseen, even if its broadcast arrives first", () => {
  const own = { ...comment("b", { minute: 1, seq: 2 }), body: "b", editable_until: "2026" };
  for (const events of [
    [{ type: "own", comment: own }, commentMessage(2, comment("b", { minute: 1 }))],
    [commentMessage(2, comment("b", { minute: 1 })), { type: "own", comment: own }],
  ]) {
    const state = play(snapshot(1, [thread("a")]), ...events);
    assert.deepEqual(state.unseen, []);
    assert.deepEqual(names(state), ["b", "a"]);
    assert.equal(state.mine.comments.b?.body, "b");
  }
});

test("a comment removed before it was seen is dropped", () => {
  const news = comment("b", { minute: 1 });
  const state = play(
    snapshot(1, [thread("a")]),
    commentMessage(2, news),
    commentMessage(3, { ...news, state: "removed", text: [] }),
  );
  assert.deepEqual(state.unseen, []);
  assert.deepEqual(names(state), ["a"]);
});

/** Choose a reaction: return the state and its optimistic reaction. */
const press = (state, reaction) => {
  const optimistic = optimisticReaction(state, reaction);
  return [reduce(state, { type: "set", change: { optimistic } }), optimistic];
};

test("a choice shows at once, and reactions of others do not change its counts meanwhile", () => {
  let [state, optimistic] = press(play(snapshot(1, [])), "happy");
  assert.equal(selectedReaction(state), "happy");
  assert.equal(counts(state).happy, 3);
  state = reduce(state, { type: "tally", story: "C", version: 2, counts: { happy: 3, sad: 0 } });
  assert.equal(counts(state).happy, 3);
  const tally = { version: 3, counts: { happy: 3, sad: 1 } };
  state = reduce(state, { type: "answered", optimistic, tally });
  assert.equal(selectedReaction(state), "happy");
  assert.deepEqual({ ...counts(state) }, { happy: 3, sad: 1 });
});

test("a choice removes the previous one", () => {
  const [state] = press(play(snapshot(1, [], { mine: { reaction: "happy" } })), "sad");
  assert.deepEqual({ ...counts(state) }, { happy: 1, sad: 1 });
  const [none] = press(state, "sad");
  assert.equal(selectedReaction(none), null);
  assert.deepEqual({ ...counts(none) }, { happy: 1, sad: 0 });
});

test("a reaction key may be a property name of Object.prototype", () => {
  const state = play(snapshot(1, []));
  assert.equal(counts(state).constructor, undefined);
  assert.equal(optimisticReaction(state, "constructor").counts.constructor, 1);
});

test("the last of two choices stays, whatever the reply to the first", () => {
  const tally = { version: 2, counts: { happy: 3, sad: 0 } };
  const [first, optimistic] = press(play(snapshot(1, [])), "happy");
  const [second] = press(first, "happy");
  const state = reduce(second, { type: "answered", optimistic, tally });
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

test("a later snapshot without a common thread replaces the list", () => {
  const page = [thread("d", { minute: 9 }), thread("c", { minute: 8 })];
  const state = play(
    snapshot(1, [thread("b", { minute: 2 }), thread("a")]),
    snapshot(50, page, { comments: { threads: page, next: "y" } }),
  );
  assert.deepEqual(names(state), ["d", "c"]);
  assert.equal(state.next, "y");
});

test("a later snapshot merges replies, edits and tombstones", () => {
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

test("a cached response does not revert messages from the socket", () => {
  const state = play(
    snapshot(1, [thread("a")]),
    commentMessage(2, comment("b", { minute: 1 })),
    snapshot(1, [thread("a")]),
  );
  assert.deepEqual(names(state), ["b", "a"]);
  assert.equal(state.position?.seq, 2);
});

test("a message of another epoch is ignored until its snapshot arrives", () => {
  const before = play(snapshot(1, [thread("a")]));
  const late = { ...commentMessage(2, comment("b")), position: { epoch: "f", seq: 2 } };
  assert.equal(reduce(before, late), before);
});

test("a comment older than all loaded pages is loaded with its page", () => {
  const page = [thread("c", { minute: 3 })];
  const state = play(
    snapshot(1, page, { comments: { threads: page, next: "x" } }),
    commentMessage(2, comment("a", { minute: 1 })),
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

test("in a thread with missing replies a new reply is counted and a changed one is not", () => {
  const state = play(
    snapshot(9, [cut([reply("r", 2)], 3)]),
    commentMessage(10, reply("old", 4, { seq: 10 })),
    commentMessage(11, reply("new", 11)),
    commentMessage(12, reply("new", 11, { seq: 12, state: "removed" })),
  );
  assert.equal(only(state).more, 4);
  assert.deepEqual(held(state), ["r"]);
  assert.deepEqual(state.unseen, []);
});

test("the reader's own reply is at the end of an incomplete thread and is not counted", () => {
  const own = { ...reply("me", 10), body: "x", editable_until: "" };
  const state = play(snapshot(9, [cut([reply("r", 2)], 3)]), { type: "own", comment: own });
  assert.deepEqual(held(state), ["r", "me"]);
  assert.equal(only(state).more, 3);
  const paged = extend(only(state), { ...cut([reply("s", 3)], 3), earlier: 1 });
  assert.deepEqual([paged.replies.map(({ id }) => id), paged.more, paged.next], [["r", "s", "me"], 2, "s"]);
});

test("a further part is merged with the loaded replies, and the last one completes the thread", () => {
  const first = cut([reply("r", 2), reply("s", 3, { seq: 9, state: "removed" })], 2);
  const part = { ...cut([reply("s", 3), reply("t", 4), reply("u", 5)], 0), earlier: 1 };
  const whole = extend(first, part);
  assert.deepEqual(whole.replies.map(({ id, state }) => id + state[0]), ["rp", "sr", "tp", "up"]);
  assert.deepEqual([whole.more, whole.next], [0, null]);
});

test("a later snapshot with fewer replies removes nothing and counts the new ones", () => {
  const whole = [2, 3, 4].map((n) => reply("r" + n, n));
  const later = snapshot(20, [cut(whole.slice(0, 1), 6)]);
  const state = play(snapshot(9, [cut(whole, 0)]), later);
  assert.deepEqual(held(state), ["r2", "r3", "r4"]);
  assert.deepEqual([only(state).more, only(state).next], [4, "r4"]);
  const before = play(snapshot(9, [cut(whole, 2)]), later);
  assert.deepEqual([only(before).more, only(before).next], [4, "r4"]);
});

test("a resumed snapshot counts new replies that are not loaded", () => {
  const { comments, ...resumed } = snapshot(12, []);
  const changes = [reply("new", 11), reply("old", 3, { seq: 12 })];
  const state = play(snapshot(9, [cut([reply("r", 2)], 3)]), { ...resumed, resumed: true, changes });
  assert.deepEqual([held(state), only(state).more], [["r"], 4]);
});

test("in a thread loaded from its middle only new replies are added, at its end", () => {
  const part = { ...cut([reply("r", 5)], 0), earlier: 2 };
  const state = play(snapshot(9, [part]), commentMessage(10, reply("old", 2, { seq: 10 })), commentMessage(11, reply("new", 11)));
  assert.deepEqual([held(state), only(state).earlier], [["r", "new"], 2]);
});

test("a pending comment is drawn for its author and keeps its place after a reload", () => {
  const waiting = { ...comment("p", { minute: 5, seq: 0, state: "pending" }), body: "p" };
  const state = play(
    snapshot(1, [thread("a")]),
    snapshot(1, [thread("a")], { mine: { reaction: null, comments: [waiting] } }),
  );
  assert.deepEqual(names(state), ["p", "a"]);
  assert.deepEqual(state.unseen, []);
  const published = reduce(state, commentMessage(2, comment("p", { minute: 5 })));
  assert.equal(find(published, "p")?.state, "published");
  assert.deepEqual(published.unseen, []);
});

test("an unknown message changes nothing", () => {
  const state = play(snapshot(1, []));
  assert.equal(reduce(state, { type: "hologram" }), state);
});
