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

/** @type {Map<string, Memory>} */
const held = new Map();

/** @param {string} server @param {string | undefined} site */
const key = (server, site) => `story-widget ${server} ${site}`;

/**
 * @param {string} server
 * @param {string | undefined} site
 * @returns {Memory}
 */
export function recall(server, site) {
  const name = key(server, site);
  try {
    // Asked each time: another tab may have become the reader meanwhile.
    const memory = JSON.parse(localStorage.getItem(name) ?? "null");
    if (memory) return memory;
  } catch {}
  return held.get(name) ?? {};
}

/**
 * @param {string} server
 * @param {string | undefined} site
 * @param {Memory | null} news null to forget everything
 */
export function remember(server, site, news) {
  const name = key(server, site);
  const memory = news ? { ...recall(server, site), ...news } : {};
  held.set(name, memory);
  try {
    news ? localStorage.setItem(name, JSON.stringify(memory)) : localStorage.removeItem(name);
  } catch {}
}
