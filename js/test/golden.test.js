/**
 * The frames both sides agree on: a snapshot and the frames after it make the snapshot that a fresh reader gets.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import * as base from "../src/state.js";

const { INITIAL_STATE, reduce } = base;
base.installCommentReducer(createReducer(base));

const FOLDER = new URL("../../tests/contract/frames/", import.meta.url);

/** What a fresh snapshot would say, of a state whose reader looks at everything at once. */
const plain = ({ story, position, tally, presence, count, settings, threads, next }) => ({
  story,
  position,
  tally,
  presence,
  count,
  settings,
  comments: { threads, next },
});

const look = (state, frame) => reduce(reduce(state, frame), { type: "set", change: { unseen: [] } });

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

test("there are golden frames", () => assert.ok(files.length > 9));

for (const name of files) {
  const golden = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  test(`${name}: ${golden.name}`, () => {
    const state = [golden.snapshot, ...golden.frames].reduce(look, INITIAL_STATE);
    assert.deepEqual(plain(state), plain(reduce(INITIAL_STATE, golden.after)));
  });
  test(`${name}: no frame changes the state it is given`, () => {
    const frozen = freeze(reduce(INITIAL_STATE, golden.snapshot));
    golden.frames.map(freeze).reduce(look, frozen);
  });
}

function freeze(value) {
  if (value && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
