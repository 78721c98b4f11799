import assert from "node:assert/strict";
import test from "node:test";
import { newCommentsButton } from "../src/parts/live/new-comments.js";
import { comment, thread } from "./fixtures.js";

/**
 * Return what the button says about new comments on a copy that hides some.
 *
 * @param {any[]} threads
 * @param {string[]} unseen
 * @param {string[]} hidden
 */
function told(threads, unseen, hidden) {
  const element = /** @type {any} */ ({ hidden: true, textContent: "" });
  const context = /** @type {any} */ ({
    t: (/** @type {string} */ _key, /** @type {{ n: number }} */ { n }) => `${n} new`,
    tell() {},
    list: { before() {} },
    filter: () => true,
  });
  const tools = /** @type {any} */ ({ button: () => element });
  newCommentsButton(context, tools)(/** @type {any} */ ({ threads, unseen, copy: { hidden } }));
  return element.hidden ? "" : element.textContent;
}

const threads = [
  thread("a", {}, [comment("b", { parent: "a", thread: "a" }), comment("c", { parent: "b", thread: "a" })]),
  thread("d"),
];

test("what a copy hides is no new comment there, nor a reply of any depth below it", () => {
  assert.equal(told(threads, ["b", "c", "d"], []), "3 new");
  assert.equal(told(threads, ["b", "c", "d"], ["a"]), "1 new");
  assert.equal(told(threads, ["c"], ["a"]), "");
  assert.equal(told(threads, ["c"], ["b"]), "");
  assert.equal(told(threads, ["d"], ["d"]), "");
});
