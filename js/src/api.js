/**
 * HTTP requests to the server. Only simple requests (Fetch standard), so that the browser sends no preflight, and
 * without credentials.
 */

const TIMEOUT_MS = 15_000;

/** Server clock minus reader's clock, in milliseconds. */
let clockOffset = 0;

/** The server's time in milliseconds, independent of the reader's clock. */
export const now = () => Date.now() + clockOffset;

/**
 * Request JSON. Rejects with the server's problem and the response's `status`, or with code `offline` without a response.
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
      // Revalidate: the browser's copy may be old. A custom request header would cost a preflight.
      cache: "no-cache",
      ...init,
    });
    const { headers } = response;
    // `Date` plus the time in caches (`Age`). Without `Date` the last offset stays.
    const serverTime = Date.parse(headers.get("Date") ?? "") + Number(headers.get("Age")) * 1_000;
    clockOffset = serverTime - Date.now() || clockOffset;
    problem.status = response.status;
    const answer = await response.json();
    if (response.ok || answer.type === "error") return answer;
    Object.assign(problem, answer);
  } catch {}
  throw problem;
}
