/**
 * Golden messages, shared with the server's tests: a snapshot and the messages after it give the snapshot of a new reader.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { createReducer } from "../src/parts/live/comment-reducer.js";
import * as base from "../src/state.js";

const { INITIAL_STATE, reduce } = base;
base.installCommentReducer(createReducer(base));

const FOLDER = new URL("../../tests/contract/frames/", import.meta.url);

/** Return the fields of a snapshot from a state without unseen comments. A state may keep a message as tally or presence. */
const snapshotFields = ({ story, position, tally, presence, count, settings, threads, next }) => {
  const fields = { story, position, tally, presence, count, settings, comments: { threads, next } };
  return JSON.parse(JSON.stringify(fields, (key, value) => {
    if (key === "tally") return { version: value.version, counts: value.counts };
    return key === "presence" ? { readers: value.readers, copies: value.copies } : value;
  }));
};

const reduceAndShow = (state, message) => reduce(reduce(state, message), { type: "set", change: { unseen: [] } });

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

test("there are golden messages", () => assert.ok(files.length > 9));

for (const name of files) {
  const golden = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  test(`${name}: ${golden.name}`, () => {
    const state = [golden.snapshot, ...golden.frames].reduce(reduceAndShow, INITIAL_STATE);
    assert.deepEqual(snapshotFields(state), snapshotFields(reduce(INITIAL_STATE, golden.after)));
  });
  test(`${name}: no message mutates the state it is applied to`, () => {
    const frozen = freeze(reduce(INITIAL_STATE, golden.snapshot));
    golden.frames.map(freeze).reduce(reduceAndShow, frozen);
  });
}

function freeze(value) {
  if (value && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
