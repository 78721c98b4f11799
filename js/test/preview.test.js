/** The preview parses the shared Markdown examples into the same trees as the server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { render } from "../src/parts/preview/index.js";

const FILE = new URL("../../tests/contract/markdown.json", import.meta.url);

for (const { text, tree } of JSON.parse(readFileSync(FILE, "utf8"))) {
  test(JSON.stringify(text), () => assert.deepEqual(render(text), tree));
}
