/**
 * Reconnect delays and the decision to reconnect, as pure functions.
 */

/** First bound of the delay: wide, because a restart disconnects all readers of a server at once. */
const FIRST_BOUND_MS = 5_000;
const MAX_BOUND_MS = 60_000;

/**
 * Return a delay in milliseconds with full jitter: between 0 and a bound that doubles with each failure.
 *
 * @param {number} tries failures since the last success
 * @param {number} [random] 0 to 1
 */
export const backoff = (tries, random = Math.random()) =>
  random * Math.min(MAX_BOUND_MS, FIRST_BOUND_MS * 2 ** tries);

/** Whether to reconnect after this close code. After 4500 to 4999 the page has to be reloaded first. @param {number} code */
export const shouldReconnect = (code) => code !== 1008 && (code < 4500 || code > 4999);
