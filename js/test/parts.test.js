import assert from "node:assert/strict";
import test from "node:test";
import { backoff, shouldReconnect } from "../src/backoff.js";
import { safeUrl } from "../src/view/comment-text.js";
import { STRINGS, relativeTime, createTranslator } from "../src/i18n.js";
import { STRINGS as OUTBOX } from "../src/parts/outbox/strings.js";
import { STRINGS as WRITING } from "../src/parts/writing/strings.js";

test("backoff is anywhere below a bound that doubles up to a minute", () => {
  assert.equal(backoff(0, 0), 0);
  assert.equal(backoff(0, 1), 5_000);
  assert.equal(backoff(2, 1), 20_000);
  assert.equal(backoff(40, 1), 60_000);
});

test("a page reconnects after close codes 40xx and not after 45xx", () => {
  for (const code of [1000, 1001, 1006, 1012, 1013, 4400, 4408, 4413, 4429, 4499]) {
    assert.ok(shouldReconnect(code), String(code));
  }
  for (const code of [1008, 4500, 4501, 4503, 4504, 4505, 4999]) {
    assert.ok(!shouldReconnect(code), String(code));
  }
});

test("only absolute web addresses become links", () => {
  assert.equal(safeUrl("https://a.example/x?y=1"), "https://a.example/x?y=1");
  assert.equal(safeUrl("http://a.example"), "http://a.example/");
  for (const bad of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "/relative",
    "//host.example",
    "",
    null,
    undefined,
    {},
  ]) {
    assert.equal(safeUrl(bad), "", String(bad));
  }
});

test("a string uses the plural form and the number format of its language", () => {
  const t = createTranslator(STRINGS, assert.fail);
  assert.equal(t("replies", { n: 1 }), "Show 1 more reply");
  assert.equal(t("replies", { n: 3 }), "Show 3 more replies");
  assert.equal(t("comments", { n: 12345 }), "12,345 comments");
  assert.equal(t("reading", { n: 3 }), "3 reading now");
});

test("a value is not searched for placeholders", () => {
  const t = createTranslator(STRINGS, assert.fail);
  assert.equal(t("replyOf", { name: "{name} $& {n}" }), "Reply to {name} $& {n}");
});

test("a missing string calls onMissing", () => {
  let missed = 0;
  const t = createTranslator(STRINGS, () => void missed++);
  assert.equal(t("forgotten"), "");
  assert.equal(missed, 1);
});

test("no part repeats a string key of the first file", () => {
  for (const key of Object.keys({ ...WRITING, ...OUTBOX })) assert.ok(!(key in STRINGS), key);
});

test("relative times use the largest unit that fits and are never in the future", () => {
  const now = Date.UTC(2026, 0, 10);
  assert.equal(relativeTime("en", now - 5_000, now), "now");
  assert.equal(relativeTime("en", now + 90_000, now), "now");
  assert.equal(relativeTime("en", now - 5 * 60_000, now), "5 minutes ago");
  assert.equal(relativeTime("en", now - 26 * 3_600_000, now), "yesterday");
  assert.equal(relativeTime("en", now - 400 * 86_400_000, now), "last year");
});
