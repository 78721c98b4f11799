/**
 * What a browser remembers about its reader, in the host page's own storage: one entry per server and site,
 * written only after the reader acted, never read by another host. Where storage throws (sandboxed frames,
 * blocked cookies) it lasts as long as the page.
 *
 * @typedef {{
 *   reader?: string,
 *   name?: string,
 *   reactions?: Record<string, string | null>,
 *   muted?: string[],
 *   drafts?: Record<string, string>,
 *   queue?: Record<string, string>[],
 * }} Memory
 *
 * `drafts` are kept by story and the comment they answer; `queue` holds deeds that could not be sent yet.
 */

/** Where storage throws. @type {Record<string, Memory>} */
export const held = {};

/** @param {string} server @param {string | undefined} site */
export const keyOf = (server, site) => `story-widget ${server} ${site}`;

/** Asked each time: another tab may have become the reader meanwhile. @param {string} key @returns {Memory} */
export function recall(key) {
  let memory;
  try {
    memory = JSON.parse(/** @type {string} */ (localStorage.getItem(key)));
  } catch {}
  return memory ?? held[key] ?? {};
}
