/**
 * Builds the embed into the Python package: one file with styles and English inside, a second one for who writes,
 * two files of words for each further language, and what tells a frame's height to the page around it.
 *
 * `node build.mjs` writes, `node build.mjs --check` fails if what is committed differs from what this source builds.
 * For tests, `EMBED_STATIC` names another folder, and `EMBED_LABEL` makes another build of the same source.
 * The same source gives the same bytes: esbuild is pinned, and nothing of the machine or the hour goes in.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import * as esbuild from "esbuild";
import { minify } from "terser";
import { STRINGS as LIVE } from "./src/parts/live/strings.js";
import { STRINGS as MORE } from "./src/parts/more/strings.js";
import { STRINGS as NAVIGATION } from "./src/parts/navigation/strings.js";
import { STRINGS } from "./src/i18n.js";
import { STRINGS as WRITING } from "./src/parts/writing/strings.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const { EMBED_STATIC, EMBED_LABEL = "" } = process.env;
const STATIC = EMBED_STATIC ?? join(HERE, "..", "widget_server", "static");
const BANNER = `/* story-widget, MPL-2.0${EMBED_LABEL} */`;
/** Limits in bytes, brotli at its best. */
const LIMIT = 9_728;
const PART_LIMIT = 4_096;
const STRINGS_LIMIT = 1_200;
const IFRAME_LIMIT = 600;

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
      // Spaces that it leaves in custom properties and in conditions.
      return { contents: code.trim().replace(/(?<=[,:]) /g, ""), loader: "text" };
    });
  },
};

/** Names of our own objects' members, never of a message, a word, an export or the document: they may be short. */
const OURS = `
  button isTemporary withPart element newId connection visit saveToStorage dispatch leave links deferIncoming poll
  stories fail level begin optimistic article round request list copyLabel ask error react onPersonalAnswer
  onUnreachable burst subscribe attach actionChain unseen onRender style subscribed explain loadLivePart reactionIcon
  requestedReader renderText onSubscribed spent applySnapshot onClose address safeUrl nextRef emit renew tell storage
  foot setReaction t renew go loadThread live draw logReadOnly mutate complete receive fetchPart joinConnection
`.match(/\w+/g) ?? [];
const LETTERS = "etaoisrcdlumpfgybvwkxjqzETAOISRCDLUMPFGYBVWKXJQZHN_$";
/** The same in all files; nothing else may be called like that, as `h` and `n` are. @type {Record<string, string>} */
const short = Object.fromEntries(OURS.map((name, i) => [name, LETTERS[i] ?? name]));
for (const key of Object.keys({ ...STRINGS, ...LIVE, ...NAVIGATION, ...WRITING, ...MORE })) {
  if (OURS.includes(key)) fail(`The word ${key} has the name of a member that is shortened.`);
}

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
    minifySyntax: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    plugins: [styles],
    mangleProps: new RegExp(`^(${OURS.join("|")})$`),
    mangleCache: short,
    ...options,
  });
  // A second pass: names by frequency and inlining across modules give five per cent more.
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

/** The words of each language, what each file says apart: end of the file's name, and what is in it. */
function locales() {
  const folder = join(HERE, "src", "locales");
  /** @type {[string, (key: string) => boolean][]} */
  const shares = [
    ["1", (key) => key in STRINGS || key in LIVE || key in NAVIGATION || /^[=!]/.test(key)],
    ["writing", (key) => key in WRITING],
    ["more", (key) => key in MORE],
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
const PARTS = ["writing", "more", "preview", "links", "comment-reactions", "navigation", "live", "connection"];
/** What is fetched on first use. The first file knows the contents of `connection`, which knows those of the others. */
const parts = [];
/** @type {Record<string, string>} */
const hashes = {};
for (const name of PARTS) {
  const define = { OTHERS: JSON.stringify(hashes) };
  const part = await bundle(`src/parts/${name}/index.js`, { format: "esm", define });
  hashes[name] = createHash("sha256").update(part.content).digest("base64").slice(0, -1);
  parts.push(part);
}
const words = locales().map(({ end, content }) => ({
  content,
  facts: { file: end, ...sizeOf(content) },
}));
// One hash names them all, so that the first file carries one.
const later = Buffer.concat([...parts, ...words].map(({ content }) => content));
const common = `${version}-${hashOf(later).slice(0, 8)}`;
parts.forEach(({ facts }, i) => (facts.file = `${common}-${PARTS[i]}.js`));
words.forEach(({ facts }) => (facts.file = `${common}-${facts.file}`));
const frame = await bundle("src/iframe/iframe.js", { format: "iife" });
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
  words: words.map(({ facts }) => facts),
};
/** Path in the package -> content. @type {[string, Buffer][]} */
const files = [
  ["embed.js", first.content],
  [join("embed", "iframe.js"), frame.content],
  ...[first, ...parts, ...words].map(
    ({ facts, content }) => /** @type {[string, Buffer]} */ ([join("embed", facts.file), content]),
  ),
];

for (const [{ facts }, limit] of /** @type {const} */ ([
  [first, LIMIT],
  .../** @type {[typeof first, number][]} */ (parts.map((part) => [part, PART_LIMIT])),
  [{ facts: { ...frame.facts, file: "iframe.js" } }, IFRAME_LIMIT],
  ...words.map((file) => [file, STRINGS_LIMIT]),
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
  for (const [name, content] of files) writeFileSync(join(STATIC, name), content);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
}

function check() {
  for (const [name, content] of files) {
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
