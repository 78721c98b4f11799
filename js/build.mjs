/**
 * Build the embed into the Python package: the first file with styles and English strings, the lazy parts, three locale
 * files for each further language, and the script of the iframe page.
 *
 * `node build.mjs` writes the files. `node build.mjs --check` fails if the committed files differ from this source.
 * For tests, `EMBED_STATIC` names another output folder, and `EMBED_LABEL` changes the bytes of the same source.
 * Builds are reproducible: esbuild is pinned, and no path or time goes into the files.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import * as esbuild from "esbuild";
import { minify } from "terser";
import { STRINGS as LIVE } from "./src/parts/live/strings.js";
import { STRINGS as DECISIONS } from "./src/parts/more-decisions/strings.js";
import { STRINGS as CORRECTIONS } from "./src/parts/more-corrections/strings.js";
import { STRINGS as HINTS } from "./src/parts/more-hints/strings.js";
import { STRINGS as MORE } from "./src/parts/more/strings.js";
import { STRINGS as NAVIGATION } from "./src/parts/navigation/strings.js";
import { STRINGS as OPENING } from "./src/parts/opening/strings.js";
import { STRINGS as OPTIONS } from "./src/parts/options/strings.js";
import { STRINGS as OUTBOX } from "./src/parts/outbox/strings.js";
import { STRINGS } from "./src/i18n.js";
import { STRINGS as WRITING } from "./src/parts/writing/strings.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const { EMBED_STATIC, EMBED_LABEL = "" } = process.env;
const STATIC = EMBED_STATIC ?? join(HERE, "..", "widget_server", "static");
const BANNER = `/* story-widget, MPL-2.0${EMBED_LABEL} */`;
/** Size limits in bytes after Brotli, quality 11. The first file is to stay below 9,216 where possible. */
const LIMIT = 9_728;
const PART_LIMIT = 4_096;
/** The part `proof` is loaded while a reader waits. The limit holds for gzip, too. */
const PROOF_LIMIT = 2_048;
const STRINGS_LIMIT = 1_200;
const IFRAME_LIMIT = 600;

/** Load CSS as a minified string. @type {esbuild.Plugin} */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), {
        loader: "css",
        minify: true,
        target: ["chrome111", "firefox113", "safari16.4"],
      });
      // Remove the spaces that esbuild leaves in custom properties and conditions.
      return { contents: code.trim().replace(/(?<=[,:]) /g, ""), loader: "text" };
    });
  },
};

/**
 * Members that the build shortens. Never list a name of the DOM, of a message, of a string key, of an export or of
 * what is stored in the browser.
 */
const OURS = `
  button isTemporary withPart element newId connection visit saveToStorage dispatch leave links deferIncoming poll
  stories fail level begin optimistic article renderVersion request list copyLabel ask error react onPersonalAnswer
  onUnreachable burst subscribe attach actionChain unseen onRender style subscribed explain loadLivePart reactionIcon
  requestedReader renderText onSubscribed spent applySnapshot onClose address safeUrl nextRef emit redraw tell storage
  foot setReaction t go loadThread live draw drawNotices mutate receive fetchPart newerTally
  optimisticReaction storageKey localText paintReaction isAllowed
`.match(/\w+/g) ?? [];
const LETTERS = "etaoisrcdlumpfgybvwkxjqzETAOISRCDLUMPFGYBVWKXJQZHN_$";
/** Short names, the same in all files: one letter, or two characters after the last letter. `h` and `n` are in use as they are. @type {Record<string, string>} */
const short = Object.fromEntries(OURS.map((name, i) => [name, LETTERS[i] ?? LETTERS[i % LETTERS.length] + "_"]));
for (const key of Object.keys({ ...STRINGS, ...LIVE, ...NAVIGATION, ...WRITING, ...OUTBOX, ...MORE, ...OPTIONS, ...DECISIONS, ...CORRECTIONS, ...HINTS, ...OPENING })) {
  if (OURS.includes(key)) fail(`The string key ${key} is also a shortened member: rename one of them.`);
}

// The version stands in one place: the Python package's.
const version = /^version = "(.+)"$/m.exec(readFileSync(join(HERE, "../pyproject.toml"), "utf8"))[1];

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
    minifySyntax: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    plugins: [styles],
    mangleProps: new RegExp(`^(${OURS.join("|")})$`),
    mangleCache: short,
    ...options,
  });
  // terser after esbuild: inlining across modules and names by frequency save 5 %.
  const { code } = await minify(outputFiles?.[0]?.text ?? "", {
    ecma: 2022,
    module: true,
    compress: { passes: 4, reduce_funcs: false, hoist_funs: true, unsafe: true, pure_getters: true, unsafe_arrows: true, unsafe_methods: true },
    format: { preamble: BANNER },
  });
  const content = Buffer.from(code ?? "");
  const hash = hashOf(content);
  const integrity = "sha384-" + createHash("sha384").update(content).digest("base64");
  const file = `${version}-${hash}.js`;
  return { content, facts: { file, hash, integrity, ...sizeOf(content) } };
}

/** @param {Buffer} content */
const hashOf = (content) => createHash("sha256").update(content).digest("hex").slice(0, 12);

/** @param {Buffer} content */
function sizeOf(content) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return { bytes: content.length, brotli: brotliCompressSync(content, { params }).length };
}

/** Return the locale files: end of the file name, and content. Each language has one for each group of strings. */
function locales() {
  const folder = join(HERE, "src", "locales");
  /** @type {[string, (key: string) => boolean][]} */
  const shares = [
    ["1", (key) => key in STRINGS || key in LIVE || key in NAVIGATION || /^[=!]/.test(key)],
    ["writing", (key) => key in WRITING || key in OUTBOX],
    ["more", (key) => key in MORE],
    ["options", (key) => key in OPTIONS],
    ["more-decisions", (key) => key in DECISIONS],
    ["more-corrections", (key) => key in CORRECTIONS],
    ["more-hints", (key) => key in HINTS],
    ["opening", (key) => key in OPENING],
  ];
  return LANGUAGES.flatMap((lang) => {
    const all = Object.entries(JSON.parse(readFileSync(join(folder, lang + ".json"), "utf8")));
    return shares.map(([part, has]) => ({
      end: `${lang}-${part}.json`,
      content: Buffer.from(JSON.stringify(Object.fromEntries(all.filter(([key]) => has(key))))),
    }));
  });
}

const LANGUAGES = readdirSync(join(HERE, "src", "locales"))
  .sort()
  .map((name) => name.replace(".json", ""));
const PARTS = ["more-corrections", "more-decisions", "more-hints", "opening", "proof", "outbox", "preview", "writing", "more", "options", "links", "comment-reactions", "navigation", "live", "fallback", "connection"];
/** Lazy parts. The first file holds the hash of `connection`, which holds the hashes of the others, but of
 * `more-corrections`, `more-decisions`, `more-hints` and `opening`, which `navigation` holds, `outbox` and `preview`, which
 * `writing` holds, and `proof`, which `outbox` holds. */
const parts = [];
/** @type {Record<string, string>} */
const hashes = {};
for (const name of PARTS) {
  const { "more-corrections": corrections = "", "more-decisions": decisions = "", "more-hints": hints = "", opening = "", outbox = "", preview = "", proof = "", ...others } = hashes;
  const define = { CORRECTIONS: JSON.stringify(corrections), OTHERS: JSON.stringify(others), DECISIONS: JSON.stringify(decisions), HINTS: JSON.stringify(hints), OPENING: JSON.stringify(opening), OUTBOX: JSON.stringify(outbox), PREVIEW: JSON.stringify(preview), PROOF: JSON.stringify(proof) };
  const part = await bundle(`src/parts/${name}/index.js`, { format: "esm", define });
  hashes[name] = createHash("sha256").update(part.content).digest("base64").slice(0, -1);
  parts.push(part);
}
const localeFiles = locales().map(({ end, content }) => ({
  content,
  facts: { file: end, ...sizeOf(content) },
}));
// One hash in all their names, so that the first file holds only one.
const laterFiles = Buffer.concat([...parts, ...localeFiles].map(({ content }) => content));
const common = `${version}-${hashOf(laterFiles).slice(0, 8)}`;
parts.forEach(({ facts }, i) => (facts.file = `${common}-${PARTS[i]}.js`));
localeFiles.forEach(({ facts }) => (facts.file = `${common}-${facts.file}`));
const iframe = await bundle("src/iframe/iframe.js", { format: "iife" });
const first = await bundle("src/index.js", {
  format: "iife",
  define: {
    COMMON: JSON.stringify(common),
    HASH: JSON.stringify(hashes.connection),
    LOCALES: JSON.stringify(LANGUAGES.join(" ")),
  },
});
const manifest = {
  version,
  ...first.facts,
  parts: Object.fromEntries(parts.map(({ facts }, i) => [PARTS[i], facts])),
  words: localeFiles.map(({ facts }) => facts),
};
/** Path in the package -> content. @type {[string, Buffer][]} */
const files = [
  ["embed.js", first.content],
  [join("embed", "iframe.js"), iframe.content],
  ...[first, ...parts, ...localeFiles].map(
    ({ facts, content }) => /** @type {[string, Buffer]} */ ([join("embed", facts.file), content]),
  ),
];

for (const [{ facts }, limit] of /** @type {const} */ ([
  [first, LIMIT],
  .../** @type {[typeof first, number][]} */ (parts.map((part, i) => [part, PARTS[i] === "proof" ? PROOF_LIMIT : PART_LIMIT])),
  [{ facts: { ...iframe.facts, file: "iframe.js" } }, IFRAME_LIMIT],
  ...localeFiles.map((file) => [file, STRINGS_LIMIT]),
])) {
  console.log(`${facts.file}: ${facts.bytes} bytes, ${facts.brotli} compressed (limit ${limit})`);
  if (facts.brotli > limit) fail("The embed is too large.");
}
if (process.argv.includes("--check")) check();
else write();

function write() {
  const folder = join(STATIC, "embed");
  mkdirSync(folder, { recursive: true });
  // Keep the files of other versions: pages pin them.
  for (const name of readdirSync(folder)) {
    if (name.startsWith(version + "-")) rmSync(join(folder, name));
  }
  for (const [name, content] of files) writeFileSync(join(STATIC, name), content);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
}

function check() {
  for (const [name, content] of files) {
    if (!content.equals(read(name))) fail(`${name} differs from the build of this source.`);
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
