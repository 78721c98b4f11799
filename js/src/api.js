/**
 * The server over HTTP: simple requests only, so that nothing is asked twice (no preflight), and without
 * credentials.
 */

const PATIENCE = 15_000;

/**
 * Rejects with a refusal, to which it adds the answer's status, if there was an answer.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function ask(url, init) {
  /** @type {{code: string, detail?: string, status?: number}} */
  const problem = { code: "offline" };
  try {
    const response = await fetch(url, {
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
      ...init,
    });
    problem.status = response.status;
    const answer = await response.json();
    if (response.ok || answer.type === "error") return answer;
    Object.assign(problem, answer);
  } catch {}
  throw problem;
}
