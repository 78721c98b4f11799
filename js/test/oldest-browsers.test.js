/**
 * The oldest supported browsers in the documents follow from the features that the build needs and MDN's data.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import test from "node:test";
import * as esbuild from "esbuild";

const read = (/** @type {string} */ path) => readFileSync(new URL(path, import.meta.url), "utf8");
const SOURCE = readdirSync(new URL("../src/", import.meta.url), { recursive: true })
  .map(String)
  .filter((name) => /\.(js|css)$/.test(name))
  .map((name) => read("../src/" + name))
  .join("\n");
const MDN = createRequire(import.meta.url)("@mdn/browser-compat-data");
const BROWSERS = ["chrome", "firefox", "safari", "safari_ios"];

/**
 * Features without which the widget does not work or looks broken, with a pattern of their use. Of the syntax only the
 * newest is listed: esbuild checks all of it. @type {[string, RegExp][]}
 */
const NEEDED = [
  ["api/Document/adoptedStyleSheets", /adoptedStyleSheets/],
  ["api/CSSStyleSheet/replaceSync", /replaceSync/],
  ["api/AbortSignal/timeout_static", /AbortSignal\.timeout/],
  ["api/EventTarget/addEventListener/options_parameter/options_signal_parameter", /\{ signal \}/],
  ["api/Response/body", /response\.body/],
  ["api/Element/attachShadow", /attachShadow/],
  ["api/Element/replaceChildren", /replaceChildren/],
  ["api/IntersectionObserver", /IntersectionObserver/],
  ["javascript/builtins/Intl/PluralRules", /Intl\.PluralRules/],
  ["javascript/builtins/Intl/RelativeTimeFormat", /Intl\.RelativeTimeFormat/],
  ["javascript/classes/private_class_methods", /^ {2}#\w+\(/m],
  ["css/types/color/color-mix", /color-mix\(/],
  ["css/at-rules/container", /@container/],
  ["css/properties/container-type", /container-type/],
  ["css/properties/clip-path/path", /path\(evenodd/],
  ["css/properties/scale", /\bscale:/],
  ["css/properties/inset-inline-start", /inset-inline-start:/],
  ["css/selectors/is", /:is\(/],
  ["css/selectors/focus-visible", /:focus-visible/],
];
/** Features that may be missing: nothing is hidden or cut off without them. @type {[string, RegExp][]} */
const OPTIONAL = [
  ["css/properties/field-sizing", /field-sizing/],
  ["css/properties/text-wrap", /text-wrap/],
  ["css/properties/content-visibility", /content-visibility/],
  ["css/selectors/dir", /:dir\(/],
];

/** @param {string} path @param {string} browser @returns {number} the first version, with part of it at least */
function firstVersion(path, browser) {
  const found = path.split("/").reduce((data, key) => data?.[key], MDN)?.__compat.support[browser];
  assert.ok(found, `MDN knows ${path}`);
  const versions = [found].flat().filter((one) => one.version_added && !one.flags && !one.prefix);
  return Math.min(...versions.map((one) => parseFloat(one.version_added)));
}

const OLDEST = Object.fromEntries(
  BROWSERS.map((browser) => [browser, Math.max(...NEEDED.map(([path]) => firstVersion(path, browser)))]),
);

test("the documents and the build name the oldest browsers that have all needed features", () => {
  const { chrome, firefox, safari, safari_ios } = OLDEST;
  const named = `Chrome and Edge ${chrome}, Firefox ${firefox}, Safari ${safari} (iOS ${safari_ios})`;
  for (const document of ["../../README.md", "../../docs/users/embed.md"]) {
    assert.ok(read(document).replace(/\s+/g, " ").includes(named), `${document} does not name “${named}”`);
  }
  const targets = JSON.stringify([`chrome${chrome}`, `firefox${firefox}`, `safari${safari}`]);
  assert.ok(read("../build.mjs").replace(/\s+/g, "").includes(targets.replace(/\s+/g, "")));
});

test("the check at the start tests the newest needed features", () => {
  const asked = ["css/types/color/color-mix", "api/Document/adoptedStyleSheets"];
  for (const browser of BROWSERS) {
    assert.equal(Math.max(...asked.map((path) => firstVersion(path, browser))), OLDEST[browser], browser);
  }
});

for (const [path, use] of [...NEEDED, ...OPTIONAL]) {
  test(`${path} is in use`, () => assert.match(SOURCE, use));
}

test("the oldest browsers parse the script as it is", async () => {
  const script = read("../../widget_server/static/embed.js");
  const target = [`chrome${OLDEST.chrome}`, `firefox${OLDEST.firefox}`, `safari${OLDEST.safari}`];
  const [old, newest] = await Promise.all(
    [target, "esnext"].map((target) => esbuild.transform(script, { target, charset: "utf8" })),
  );
  assert.equal(old?.code, newest?.code);
});
