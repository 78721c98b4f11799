import assert from "node:assert/strict";
import test from "node:test";
import { settingsAt } from "../src/parts/opening/settings-at.js";

const SETTINGS = {
  prompt: "?",
  mode: "open",
  opens_at: null,
  edges: [
    { at: "2026-03-28T20:00:00.000Z", mode: "approval" },
    { at: "2026-03-28T23:00:00.000Z", mode: "closed" },
    { at: "2026-03-29T05:00:00.000Z", mode: "open" },
  ],
};
const at = (text) => settingsAt(SETTINGS, Date.parse(text));

test("before the first edge the settings are the same object", () => {
  assert.equal(at("2026-03-28T19:59:59Z"), SETTINGS);
  const without = { prompt: "?" };
  assert.equal(settingsAt(without, 0), without);
});

test("each edge changes the mode, and says when more is possible again", () => {
  const evening = at("2026-03-28T20:00:00Z");
  assert.deepEqual([evening.mode, evening.opens_at], ["approval", "2026-03-29T05:00:00.000Z"]);
  const night = settingsAt(evening, Date.parse("2026-03-28T23:00:00Z"));
  assert.deepEqual([night.mode, night.opens_at, night.edges.length], ["closed", "2026-03-29T05:00:00.000Z", 1]);
  const morning = settingsAt(night, Date.parse("2026-03-29T05:00:01Z"));
  assert.deepEqual([morning.mode, morning.opens_at, morning.edges], ["open", null, []]);
});

test("a page that slept over several edges is where the others are", () => {
  assert.deepEqual(at("2026-03-29T04:00:00Z"), settingsAt(at("2026-03-28T21:00:00Z"), Date.parse("2026-03-29T04:00:00Z")));
});
