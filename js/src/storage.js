/**
 * What a browser remembers about its reader, in the host page's own storage: one entry per server and site,
 * written only after the reader acted, never read by another host. What storage does not take (it is full, or it throws,
 * as in sandboxed frames and with blocked cookies) lasts as long as the page.
 *
 * The names below are what is stored: none of them may be shortened by the build (`OURS` in build.mjs).
 *
 * @typedef {{
 *   reader?: string,
 *   first?: string | undefined,
 *   name?: string,
 *   reactions?: Record<string, string | null>,
 *   unsent?: Record<string, string | null> | undefined,
 *   muted?: string[],
 *   drafts?: Record<string, string> | undefined,
 *   last?: {place: string, body: string, key: string} | undefined,
 *   queue?: Record<string, string>[] | undefined,
 * }} ReaderStorage
 *
 * `first` is the secret from which the server makes a reader who has no token (`reader`) yet. `unsent` holds reactions
 * that have no answer yet, by story, or by story and comment; `drafts` are kept by story and the comment they answer;
 * `last` is the comment that is being posted; `queue` holds comments, edits and deletions that could not be sent yet.
 */

/** What could not be written: newer than what storage holds. @type {Record<string, ReaderStorage>} */
const unwritten = {};

/** Where it is kept. @param {string} server @param {string | undefined} site */
export const storageKey = (server, site) => `story-widget ${server} ${site}`;

/** Asked each time: another tab may have become the reader meanwhile. @param {string} key @returns {ReaderStorage} */
export function readStorage(key) {
  let memory;
  try {
    memory = JSON.parse(/** @type {string} */ (localStorage.getItem(key)));
  } catch {}
  return { ...memory, ...unwritten[key] };
}

/** Keeps it beside what is known. @param {string} key @param {ReaderStorage} news */
export function writeStorage(key, news) {
  unwritten[key] = { ...unwritten[key], ...news };
  try {
    localStorage.setItem(key, json(readStorage(key)));
    delete unwritten[key];
  } catch {}
}

/**
 * JSON that no page can change: old libraries add a `toJSON` to the prototypes of arrays and objects. What it has made of
 * a value is given back for the value itself.
 *
 * @param {object} value
 */
export const json = (value) =>
  JSON.stringify(value, /** @this {any} */ function (key) {
    return this[key];
  });
