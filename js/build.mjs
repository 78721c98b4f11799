/**
 * Builds the embed into the Python package: one file with styles and English inside, and a second
 * one for who writes.
 *
 * `node build.mjs` writes, `node build.mjs --check` fails if what is committed differs from what this source builds.
 * The same source gives the same bytes: esbuild is pinned, and nothing of the machine or the hour goes in.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import * as esbuild from "esbuild";
import { minify } from "terser";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "..", "widget_server", "static");
const BANNER = "/* story-widget, MPL-2.0 */";
/** Limits in bytes, brotli at its best. */
const LIMIT = 9_216;
const SECOND_LIMIT = 4_096;

/** Styles as a minified string. @type {esbuild.Plugin} */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), {
        loader: "css",
        minify: true,
        target: ["chrome111", "firefox113", "safari16.4"],
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const { version } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));

/**
 * @param {string} entry
 * @param {esbuild.BuildOptions} options
 */
async function bundle(entry, options) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    plugins: [styles],
    ...options,
  });
  // A second pass: names by frequency and inlining across modules give five per cent more.
  const { code } = await minify(outputFiles?.[0]?.text ?? "", {
    ecma: 2020,
    module: true,
    compress: { passes: 4, pure_getters: true },
    format: { preamble: BANNER },
  });
  const bytes = Buffer.from(code ?? "");
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const brotli = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;
  const integrity = "sha384-" + createHash("sha384").update(bytes).digest("base64");
  const file = `${version}-${hash}.js`;
  return { content: bytes, facts: { file, hash, integrity, bytes: bytes.length, brotli } };
}

const second = await bundle("src/writing/index.js", { format: "esm" });
const first = await bundle("src/index.js", {
  format: "iife",
  define: { SECOND: JSON.stringify(second.facts.file) },
});
const manifest = { version, ...first.facts, second: second.facts };

for (const [{ facts }, limit] of /** @type {[typeof first, number][]} */ ([
  [first, LIMIT],
  [second, SECOND_LIMIT],
])) {
  console.log(`${facts.file}: ${facts.bytes} bytes, ${facts.brotli} compressed (limit ${limit})`);
  if (facts.brotli > limit) fail("The embed is too large.");
}
if (process.argv.includes("--check")) check();
else write();

function write() {
  const folder = join(STATIC, "embed");
  mkdirSync(folder, { recursive: true });
  // Files of other versions stay: pages that pinned them must go on working.
  for (const name of readdirSync(folder)) {
    if (name.startsWith(version + "-")) rmSync(join(folder, name));
  }
  writeFileSync(join(STATIC, "embed.js"), first.content);
  for (const { facts, content } of [first, second]) {
    writeFileSync(join(folder, facts.file), content);
  }
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
}

function check() {
  /** @type {[string, Buffer][]} */
  const wanted = [
    ["embed.js", first.content],
    [join("embed", first.facts.file), first.content],
    [join("embed", second.facts.file), second.content],
  ];
  for (const [name, content] of wanted) {
    if (!content.equals(read(name))) fail(`${name} is not what this source builds.`);
  }
  // Compressed sizes may differ by a few bytes between versions of Node.js.
  const plain = (/** @type {unknown} */ facts) =>
    JSON.stringify(facts, (key, value) => (key === "brotli" ? 0 : value));
  if (plain(JSON.parse(read(join("embed", "manifest.json")).toString() || "{}")) !== plain(manifest)) {
    fail("manifest.json is out of date.");
  }
}

/** @param {string} name */
function read(name) {
  try {
    return readFileSync(join(STATIC, name));
  } catch {
    return Buffer.alloc(0);
  }
}

/** @param {string} why @returns {never} */
function fail(why) {
  console.error(why + " Run `npm run build` in js/ and commit the result.");
  process.exit(1);
}
