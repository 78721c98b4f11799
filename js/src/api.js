/**
 * The server over HTTP: simple requests only, so that nothing is asked twice (no preflight), and without
 * credentials.
 *
 * @import {Position, Refusal, Snapshot} from "./types"
 */

const PATIENCE = 15_000;

/** @param {string} url @param {RequestInit} init @returns {Promise<any>} */
export async function ask(url, init) {
  let response;
  try {
    response = await fetch(url, {
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
      ...init,
    });
    const answer = await response.json();
    if (response.ok || answer.type === "error") return answer;
    throw answer;
  } catch (problem) {
    const { code, detail } = /** @type {Partial<Refusal>} */ (problem);
    throw {
      code: typeof code === "string" ? code : "offline",
      detail,
      status: response?.status ?? 0,
    };
  }
}

/**
 * The snapshot without anyone's own data. With `since`, what changed after it, asked anew: the browser's own cache
 * sends the ETag along, a header of ours would cost a preflight.
 *
 * @param {string} server
 * @param {string} code
 * @param {Position | null} since
 * @returns {Promise<Snapshot>}
 */
export const getStory = (server, code, since) =>
  since
    ? ask(`${server}/v1/stories/${code}?since=${since.epoch}:${since.seq}`, { cache: "no-cache" })
    : ask(`${server}/v1/stories/${code}`, {});

/**
 * Some of its comments.
 *
 * @param {string} server
 * @param {string} code
 * @param {string} path
 * @returns {Promise<any>}
 */
export const getPart = (server, code, path) =>
  ask(`${server}/v1/stories/${code}/comments${path}`, { cache: "no-cache" });

/**
 * A part of the embed that is not in the first file.
 *
 * @param {string} server
 * @param {string} name
 * @returns {Promise<any>}
 */
export const bring = (server, name) => import(`${server}/embed/${PARTS}-${name}.js`);
