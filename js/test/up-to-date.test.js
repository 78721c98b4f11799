/** An answer with comments may have been read before messages that the page has applied, or after messages still to come. */
import assert from "node:assert/strict";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import { find } from "../src/parts/live/find-comment.js";
import { createThreadLoader } from "../src/parts/live/load-thread.js";
import { bringUpToDate } from "../src/parts/live/up-to-date.js";
import * as base from "../src/state.js";
import { comment, commentMessage, snapshot, thread } from "./fixtures.js";

const { INITIAL_STATE, reduce } = base;
base.installCommentReducer(createReducer(base));

const play = (...events) => events.reduce(reduce, INITIAL_STATE);
const names = (list) => list.map(({ id }) => id);
const at = (seq) => ({ epoch: "e", seq });
const reply = (id, seq, rest = {}) => comment(id, { thread: "a", parent: "a", seq, published_seq: seq, ...rest });
/** Return the list that the answer becomes. */
const list = (state, seq, threads, rest = {}) =>
  bringUpToDate(reduce, state, { position: at(seq), next: null, order: "newest", threads, ...rest });

test("a comment that arrived before an older answer is in the list", () => {
  const state = play(snapshot(1, [thread("a")]), commentMessage(2, comment("b", { minute: 1, published_seq: 2 })));
  assert.deepEqual(names(list(state, 1, [thread("a")]).threads), ["b", "a"]);
  assert.deepEqual(names(list(state, 1, [thread("a")], { order: "oldest" }).threads), ["a", "b"]);
});

test("also one that the list before did not show, because its place was on a later page", () => {
  const before = snapshot(1, [thread("a")], { comments: { threads: [thread("a")], next: "x" } });
  const oldest = reduce(play(before), { type: "set", change: { order: "oldest" } });
  const state = reduce(oldest, commentMessage(2, comment("b", { minute: 1, published_seq: 2 })));
  assert.deepEqual(names(state.threads), ["a"]);
  assert.deepEqual(names(list(state, 1, [thread("a")]).threads), ["b", "a"]);
});

test("a comment that the answer has is not doubled", () => {
  const state = play(snapshot(1, [thread("a")]), commentMessage(2, comment("b", { minute: 1 })), commentMessage(3, reply("r", 3)));
  const answer = [thread("b", { minute: 1, seq: 2 }), thread("a", {}, [reply("r", 3)])];
  for (const seq of [1, 2, 3, 9]) {
    const { threads } = list(state, seq, answer);
    assert.deepEqual(names(threads), ["b", "a"]);
    assert.deepEqual(names(threads[1].replies), ["r"]);
  }
});

test("an older answer brings back no older revision, no older tally and no removed comment", () => {
  const edited = { text: [["p", null, "new"]], edited_at: "2026" };
  const state = play(
    snapshot(1, [thread("a"), thread("b")]),
    commentMessage(2, comment("a", edited)),
    commentMessage(3, comment("b", { state: "removed", text: [] })),
    { type: "tally", story: "C", comment: "a", version: 7, counts: { happy: 2 } },
    // Not in the list of the page, but in the answer.
    commentMessage(4, comment("c", { state: "removed", text: [] })),
    { type: "tally", story: "C", comment: "d", version: 8, counts: { happy: 1 } },
    { type: "tally", story: "C", comment: "d", version: 9, counts: { happy: 3 } },
  );
  const now = list(state, 1, [thread("a"), thread("b"), thread("c"), thread("d")]);
  assert.deepEqual(find(now, "a").text, edited.text);
  assert.equal(find(now, "a").tally.counts.happy, 2);
  assert.equal(find(now, "b").state, "removed");
  assert.equal(find(now, "c").state, "removed");
  assert.equal(find(now, "d").tally.counts.happy, 3);
});

test("a newer answer keeps its revision and its tally", () => {
  const state = play(
    snapshot(1, [thread("a")]),
    commentMessage(2, comment("a", { text: ["old"] })),
    { type: "tally", story: "C", comment: "a", version: 3, counts: { happy: 1 } },
  );
  const answer = thread("a", { seq: 3, text: ["new"], tally: { version: 4, counts: { happy: 2 } } });
  const { threads } = list(state, 3, [answer]);
  assert.deepEqual(threads[0].text, ["new"]);
  assert.equal(threads[0].tally.counts.happy, 2);
});

test("a reply beyond the loaded ones is counted once, whenever its message arrives", () => {
  const part = (more) => thread("a", { next: "r1" }, [reply("r1", 1)], more);
  const news = commentMessage(3, reply("r9", 3));
  const before = play(snapshot(2, [part(4)]));
  const after = reduce(before, news);
  const merge = (state, seq, more) => {
    const { threads, next } = list(state, seq, [part(more)]);
    return reduce(state, { type: "set", change: { threads, next } });
  };
  assert.equal(merge(after, 2, 4).threads[0].more, 5, "the answer is older, the message was first");
  assert.equal(merge(after, 3, 5).threads[0].more, 5, "the answer is newer, the message was first");
  assert.equal(reduce(merge(before, 2, 4), news).threads[0].more, 5, "the answer is older and was first");
  assert.equal(reduce(merge(before, 3, 5), news).threads[0].more, 5, "the answer is newer and was first");
});

test("the reader's own pending comment stays when the list is replaced, and one posted meanwhile is there", () => {
  const own = (id, rest) => ({ ...comment(id, { minute: 2, ...rest }), body: id, editable_until: "2026" });
  const state = play(
    snapshot(1, [thread("a")], { mine: { reaction: null } }),
    { type: "own", comment: own("p", { state: "pending", seq: 0, published_seq: 0 }) },
    { type: "own", comment: own("m", { minute: 3, seq: 2, published_seq: 2 }) },
  );
  assert.deepEqual(names(list(state, 1, [thread("a")]).threads), ["m", "p", "a"]);
  // The answer of a later page does not have the comment that the reader posted before.
  assert.deepEqual(names(list(state, 2, [thread("a")]).threads), ["p", "a"]);
});

test("an answer of another epoch becomes the list of the snapshot after it", () => {
  const restored = snapshot(1, [thread("z")], { position: { epoch: "f", seq: 1 } });
  const state = play(snapshot(50, [thread("a")]), restored);
  assert.deepEqual(names(list(state, 50, [thread("a"), thread("b")]).threads), ["z"]);
});

test("the replies of a thread are brought up to date, too", async () => {
  let state = play(snapshot(1, [thread("a", { next: "r1" }, [reply("r1", 1)], 1)]));
  const story = {
    get state() {
      return state;
    },
    set: (change) => (state = reduce(state, { type: "set", change })),
  };
  let answer = (_) => {};
  const load = createThreadLoader(story, () => new Promise((resolve) => (answer = resolve)), reduce);
  const done = load("a", true);
  state = reduce(state, commentMessage(3, reply("r3", 3)));
  state = reduce(state, commentMessage(4, reply("r1", 1, { state: "removed", text: [] })));
  answer({ ...thread("a", { next: null }, [reply("r2", 2)]), earlier: 1, position: at(2) });
  await done;
  assert.deepEqual(names(state.threads[0].replies), ["r1", "r2", "r3"]);
  assert.equal(state.threads[0].replies[0].state, "removed");
  assert.equal(state.threads[0].more, 0);
});
