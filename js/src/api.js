/**
 * The server over HTTP: simple requests only, so that nothing is asked twice (no preflight), and without
 * credentials.
 */

const TIMEOUT_MS = 15_000;

/** How far the servers' clock is ahead of the reader's, in milliseconds. */
let ahead = 0;

/** The servers' time, whatever the reader's clock says. */
export const now = () => Date.now() + ahead;

/**
 * Rejects with a refusal, to which it adds the answer's status, if there was an answer.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function request(url, init) {
  /** @type {{code: string, detail?: string, status?: number}} */
  const problem = { code: "offline" };
  try {
    const response = await fetch(url, {
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // Asked anew: what the browser kept may be old. A header of ours would cost a preflight.
      cache: "no-cache",
      ...init,
    });
    const { headers } = response;
    // When it was written, and how long it lay in a cache since. Where that is not told, what was known stays.
    const then = Date.parse(headers.get("Date") ?? "") + Number(headers.get("Age")) * 1_000;
    ahead = then - Date.now() || ahead;
    problem.status = response.status;
    const answer = await response.json();
    if (response.ok || answer.type === "error") return answer;
    Object.assign(problem, answer);
  } catch {}
  throw problem;
}
