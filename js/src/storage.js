/**
 * Data about the reader in the host page's `localStorage`: one entry per server and site, written only after the reader
 * acted, never readable by other hosts. If storage is full or throws (sandboxed iframes, blocked cookies), the data
 * lasts as long as the page.
 *
 * The names below are the stored names: the build must not shorten them (`OURS` in build.mjs).
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
 * `first` is the secret from which the server derives a reader id as long as there is no reader token (`reader`).
 * `unsent` holds reactions without a reply, by story, or by story and comment. `drafts` are stored by story and parent
 * comment, or by story and `error` for a report of an error. `last` is the comment that is being posted. `queue` holds comments, edits and deletions not sent yet.
 */

/** Fields that could not be written: newer than the stored ones. @type {Record<string, ReaderStorage>} */
const unwritten = {};

/** Return the key of the entry. @param {string} server @param {string | undefined} site */
export const storageKey = (server, site) => `story-widget ${server} ${site}`;

/** Read the entry. Not cached: another tab may have written a reader token meanwhile. @param {string} key @returns {ReaderStorage} */
export function readStorage(key) {
  let memory;
  try {
    memory = JSON.parse(/** @type {string} */ (localStorage.getItem(key)));
  } catch {}
  return { ...memory, ...unwritten[key] };
}

/** Merge fields into the entry. @param {string} key @param {ReaderStorage} changes */
export function writeStorage(key, changes) {
  unwritten[key] = { ...unwritten[key], ...changes };
  try {
    localStorage.setItem(key, json(readStorage(key)));
    delete unwritten[key];
  } catch {}
}

/**
 * Serialize to JSON and ignore any `toJSON`: old libraries of host pages add one to the prototypes of arrays and objects.
 * The replacer returns the original value.
 *
 * @param {object} value
 */
export const json = (value) =>
  JSON.stringify(value, /** @this {any} */ function (key) {
    return this[key];
  });
