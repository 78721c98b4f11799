import assert from "node:assert/strict";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import { createThreadLoader } from "../src/parts/live/load-thread.js";
import * as base from "../src/state.js";
import { comment, thread } from "./fixtures.js";

base.installCommentReducer(createReducer(base));

/** Return a story with threads, and a loader whose requests the test answers. */
function loading(...threads) {
  const story = {
    state: { ...base.INITIAL_STATE, threads, unseen: [] },
    set: (change) => Object.assign(story.state, change),
  };
  const answers = [];
  const load = createThreadLoader(story, () => new Promise((resolve) => answers.push(resolve)), base.reduce);
  return { story, load, answers };
}
const reply = (n) => comment(`r${n}`, { thread: "a", parent: "a", published_seq: n });
/** A part of thread `a` with these replies. */
const part = (from, to, rest = {}) => ({
  ...thread("a"),
  replies: Array.from({ length: to - from + 1 }, (_, i) => reply(from + i)),
  next: to < 30 ? `r${to}` : null,
  more: 30 - to,
  earlier: from - 1,
  ...rest,
});
const idsOf = (list) => list.map(({ id }) => id);

test("replies of a thread that left the list meanwhile do not put it first", async () => {
  for (const more of [true, false]) {
    const { story, load, answers } = loading(part(1, 5));
    const done = load("a", more);
    story.set({ threads: [thread("b")] });
    answers[0](part(6, 10));
    await done;
    assert.deepEqual(idsOf(story.state.threads), ["b"]);
  }
});

test("the next replies are dropped if another part of the thread was loaded meanwhile", async () => {
  const { story, load, answers } = loading(part(1, 5));
  const next = load("a", true);
  const around = load("r20");
  answers[1](part(18, 22));
  await around;
  answers[0](part(6, 10));
  await next;
  assert.deepEqual(idsOf(story.state.threads[0].replies), ["r18", "r19", "r20", "r21", "r22"]);
  assert.equal(story.state.threads[0].more, 8);
});

test("a second click on the same button adds nothing, and the first adds its replies", async () => {
  const { story, load, answers } = loading(part(1, 5));
  const clicks = [load("a", true), load("a", true)];
  for (const answer of answers) answer(part(6, 10));
  await Promise.all(clicks);
  assert.equal(story.state.threads[0].replies.length, 10);
  assert.equal(story.state.threads[0].next, "r10");
});

test("the thread of a link is put first if the list does not have it", async () => {
  const { story, load, answers } = loading(thread("b"));
  const done = load("r20");
  story.set({ threads: [thread("c")] });
  answers[0](part(18, 22));
  await done;
  assert.deepEqual(idsOf(story.state.threads), ["a", "c"]);
});
