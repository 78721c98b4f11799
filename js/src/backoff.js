/**
 * When to come back, as pure functions of what happened.
 */

const FIRST = 5_000;
const LONGEST = 60_000;

/**
 * Full jitter: anywhere between now and a bound that doubles. The first bound is wide, because a restart
 * drops all readers of a server in the same instant.
 *
 * @param {number} tries how often it failed since it last worked
 * @param {number} [random] 0 to 1
 */
export const backoff = (tries, random = Math.random()) =>
  random * Math.min(LONGEST, FIRST * 2 ** tries);

/** May the page come back after this close code (4500 to 4999: not until it is loaded anew)? @param {number} code */
export const shouldReconnect = (code) => code !== 1008 && (code < 4500 || code > 4999);
