/**
 * The later files of this build: parts, which are checked before they run, and words of other languages.
 */
import { h } from "./dom.js";

/** The script that runs now: known only now, and not told to a module. */
const script = /** @type {HTMLScriptElement | null | undefined} */ (
  globalThis.document?.currentScript ??
    globalThis.document?.querySelector("script[type=module][src$='/embed.js']")
);
/** The server that it came from, which has the other files of the same build. */
export const SCRIPT_SERVER = /.+(?=\/embed[./])/.exec(script?.src ?? "")?.[0];

/** So many milliseconds longer is each wait for a file that did not come; the first is none. */
const RETRY_STEP_MS = 1_500;
/** How often a part is waited for: for a minute. */
const MAX_RETRIES = 8;
/** How long a server may take to bring a part, in milliseconds: a line can die without a word. */
const PATIENCE = 15_000;

/** A module that failed stays failed in its document: each further try has an address of its own. */
let failed = 0;

/**
 * A later file of this build: from where this file came, then from the story's server, and again after each wait.
 *
 * @template T
 * @param {string} server
 * @param {string} name
 * @param {(url: string) => Promise<T>} get
 * @param {number} [waits]
 * @returns {Promise<T>}
 */
export async function fetchFile(server, name, get, waits = 0) {
  for (let n = 0; ; n++) {
    try {
      return await get(`${(n % 2 ? 0 : SCRIPT_SERVER) || server}/embed/${COMMON}-${name}${failed ? "?" + failed : ""}`);
    } catch (problem) {
      failed++;
      if (n > waits) throw problem;
      await new Promise((resolve) => setTimeout(resolve, RETRY_STEP_MS * n));
    }
  }
}

/** What came, or is on its way, by server and name: not all servers answer. @type {Record<string, Promise<any>>} */
const parts = {};

/**
 * A part of the embed that is not in the first file, just as it was when this file was built. One that is asked for
 * several times at once is fetched once.
 *
 * @param {string} server
 * @param {string} name
 * @returns {Promise<any>}
 */
export const importPart = (server, name) =>
  (parts[server + name] ??= fetchPart(server, name).catch((problem) => {
    delete parts[server + name];
    throw problem;
  }));

/** @param {string} server @param {string} name */
async function fetchPart(server, name) {
  const hash = name === "connection" ? HASH : (await importPart(server, "connection")).HASHES[name];
  return fetchFile(server, name + ".js", (href) => importWithIntegrity(href, `sha256-${hash}=`), MAX_RETRIES);
}

/**
 * The same, however often it has to be tried.
 *
 * @param {string} server
 * @param {string} name
 * @returns {Promise<any>}
 */
export const importPartWithRetry = (server, name) =>
  importPart(server, name).catch(() =>
    new Promise((resolve) => setTimeout(resolve, RETRY_STEP_MS)).then(() => importPartWithRetry(server, name)),
  );

/**
 * What is checked here is what `import` runs: there is one module for an address. A page's policies of integrity and
 * of trusted types allow it, as they would not allow a check by hand.
 *
 * @param {string} href
 * @param {string} integrity
 */
async function importWithIntegrity(href, integrity) {
  await new Promise((onload, onerror) => {
    const nonce = script?.nonce;
    setTimeout(onerror, PATIENCE);
    const link = h("link", { rel: "modulepreload", nonce, href, integrity, onload, onerror });
    if (link.relList.supports(link.rel)) document.head.append(link);
    else fetch(href, { integrity }).then(onload, onerror); // In older browsers a second request.
  });
  return import(href);
}
