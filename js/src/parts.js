/**
 * Load the lazy files of this build: parts, whose hash is checked, and locale files.
 */
import { h } from "./dom.js";

// Tests without a browser have no document.
const page = globalThis.document;
/** The embed's own script element. `currentScript` is set only while it runs, and never for modules. */
const script = /** @type {HTMLScriptElement | null | undefined} */ (
  page?.currentScript ?? page?.querySelector("script[type=module][src$='/embed.js']")
);
/** Origin of the script: it has the other files of the same build. */
export const SCRIPT_SERVER = /.+(?=\/embed[./])/.exec(script?.src ?? "")?.[0];

/** Each retry waits this many milliseconds longer than the one before; the first does not wait. */
const RETRY_STEP_MS = 1_500;
/** Retries for a part: about one minute. */
const MAX_RETRIES = 8;
/** Timeout for a part in milliseconds: a broken connection may raise no error. */
const TIMEOUT_MS = 15_000;

/** Failed loads. A browser does not retry a failed module, so each retry has another query. */
let failed = 0;

/**
 * Fetch a file of this build: from this script's origin, then from the story's server, in turn with growing waits.
 *
 * @template T
 * @param {string} server
 * @param {string} name
 * @param {(url: string) => Promise<T>} get
 * @param {number} [retries]
 * @returns {Promise<T>}
 */
export async function fetchFile(server, name, get, retries = 0) {
  for (let n = 0; ; n++) {
    try {
      return await get(`${(n % 2 ? 0 : SCRIPT_SERVER) || server}/embed/${COMMON}-${name}${failed ? "?" + failed : ""}`);
    } catch (problem) {
      failed++;
      if (n > retries) throw problem;
      await new Promise((resolve) => setTimeout(resolve, RETRY_STEP_MS * n));
    }
  }
}

/** Loaded and loading parts, by server and name. @type {Record<string, Promise<any>>} */
const parts = {};

/**
 * Import a lazy part of the same build. Concurrent calls share one request; a failed import can be repeated.
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

/** Import a part with the hash that this build lists. @param {string} server @param {string} name */
async function fetchPart(server, name) {
  const hash = name === "connection" ? HASH : (await importPart(server, "connection")).HASHES[name];
  return fetchFile(server, name + ".js", (href) => importWithIntegrity(href, `sha256-${hash}=`), MAX_RETRIES);
}

/**
 * Import a part, and retry until it succeeds. The retries of each import take about a minute.
 *
 * @param {string} server
 * @param {string} name
 * @returns {Promise<any>}
 */
export const importPartWithRetry = (server, name) =>
  importPart(server, name).catch(() => importPartWithRetry(server, name));

/**
 * Check a module's integrity with `modulepreload`, then import it. `import` runs the checked bytes, because a document has
 * one module per address. This also works under Trusted Types and CSP, where running checked text would not.
 *
 * @param {string} href
 * @param {string} integrity
 */
async function importWithIntegrity(href, integrity) {
  await new Promise((onload, onerror) => {
    const nonce = script?.nonce;
    setTimeout(onerror, TIMEOUT_MS);
    const link = h("link", { rel: "modulepreload", nonce, href, integrity, onload, onerror });
    if (link.relList.supports(link.rel)) document.head.append(link);
    else fetch(href, { integrity }).then(onload, onerror); // Without modulepreload support: a second request.
  });
  return import(href);
}
