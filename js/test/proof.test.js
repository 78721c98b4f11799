import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { hash, solve } from "../src/parts/proof/solve.js";

/** @param {string} text */
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** @param {string} salt @param {number} number */
const challengeOf = (salt, number, maxnumber = 1_000) => ({
  algorithm: "SHA-256",
  challenge: sha256(salt + number),
  maxnumber,
  salt,
  signature: "signed",
});

test("the hash is SHA-256 for every length around the ends of blocks", () => {
  for (let length = 0; length < 200; length++) {
    const text = "0123456789abcdef?=&".repeat(11).slice(0, length);
    const words = [...hash(text)].map((word) => (word >>> 0).toString(16).padStart(8, "0"));
    assert.equal(words.join(""), sha256(text), String(length));
  }
});

test("the solution has the number, and the fields that the server signed", async () => {
  for (const number of [0, 1, 63, 64, 65, 999, 1_000]) {
    const challenge = challengeOf("a1b2c3?expires=1764000600&", number);
    const { number: found, ...signed } = JSON.parse(atob((await solve(challenge)) ?? ""));
    const { maxnumber: _, ...sent } = challenge;
    assert.equal(found, number);
    for (const [name, value] of Object.entries(sent)) assert.equal(signed[name], value, name);
  }
});

test("a challenge without a solution ends, and so does a damaged one", async () => {
  assert.equal(await solve({ ...challengeOf("salt&", 1), salt: "another&" }), undefined);
  assert.equal(await solve({ ...challengeOf("salt&", 1), challenge: "" }), undefined);
  assert.equal(await solve({ ...challengeOf("salt&", 1), challenge: "zz".repeat(32) }), undefined);
});

test("the page has its turn while a number is sought", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await solve(challengeOf("a1b2c3?expires=1764000600&", 200_000, 200_000));
  clearInterval(timer);
  assert.ok(turns > 5, String(turns));
});

test("the part is at most 2 KB after gzip", () => {
  const entryPoints = [new URL("../src/parts/proof/index.js", import.meta.url).pathname];
  const [file] = buildSync({ entryPoints, bundle: true, minify: true, format: "esm", write: false }).outputFiles;
  assert.ok(gzipSync(file?.contents ?? readFileSync("missing")).length <= 2_048);
});
