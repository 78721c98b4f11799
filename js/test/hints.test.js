import assert from "node:assert/strict";
import test from "node:test";
import { standing } from "../src/parts/more-hints/standing.js";
import { INITIAL_STATE, reduce } from "../src/state.js";
import { createReceiver } from "../src/parts/connection/receiver.js";
import { snapshot } from "./fixtures.js";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const hint = (id, rest) => ({ id, at: "2026-11-28T12:00:00Z", text: "It was 1961.", state: "open", ...rest });
const decided = { decided_at: "2026-11-29T11:00:00Z" };
const ids = (hints, corrections = []) => standing(hints, corrections, NOW).map(({ id }) => id);

test("an open report is shown however old it is", () => {
  assert.deepEqual(ids([hint("a", { at: "2020-01-01T00:00:00Z" })]), ["a"]);
});

test("a declined report is shown for a week", () => {
  const late = { state: "declined", decided_at: "2026-11-20T11:00:00Z" };
  assert.deepEqual(ids([hint("a", { state: "declined", ...decided }), hint("b", late)]), ["a"]);
});

test("an accepted report is shown at its correction, and below the discussion only if that is not shown or withdrawn", () => {
  const accepted = [hint("a", { state: "accepted", correction: "k", ...decided })];
  assert.deepEqual(ids(accepted, [{ id: "k" }]), []);
  assert.deepEqual(ids(accepted, [{ id: "other" }]), ["a"]);
  assert.deepEqual(ids(accepted, [{ id: "k", withdrawn_at: "2026-11-29T11:30:00Z" }]), ["a"]);
});

test("a snapshot brings the reader's reports, and one without own data keeps them", () => {
  const mine = { reaction: null, reactions: {}, comments: [], hints: [hint("a")] };
  const first = reduce(INITIAL_STATE, snapshot(1, [], { mine }));
  assert.deepEqual(first.mine.hints, [hint("a")]);
  const { comments: _, ...later } = snapshot(2, []);
  assert.deepEqual(reduce(first, { ...later, resumed: true, changes: [] }).mine.hints, [hint("a")]);
});

test("a copy is older from the message that says so until the one that takes it back", () => {
  const told = [];
  const receiver = createReceiver({ set: (change) => told.push(change), dispatch: assert.fail });
  const message = { type: "copy.older", story: "C", changed_at: NOW, url: "https://w.example/s/C/changes?from=1" };
  receiver.receive(message);
  receiver.receive({ type: "copy.older", story: "C", changed_at: null });
  assert.deepEqual(told, [{ older: message }, { older: null }]);
});
