/**
 * Which error reports are shown below the discussion (pure).
 *
 * @import {Correction, Hint} from "../../types"
 */

/** A decided report is shown below the discussion for so long, in milliseconds; “Your data” lists all. */
const NEWS_MS = 6e8;

/**
 * Return the hints that wait for the editors, and those that were decided of late. One whose correction is shown is left
 * out: the thanks stand there.
 *
 * @param {readonly Hint[]} hints
 * @param {readonly Correction[]} corrections
 * @param {number} now in milliseconds
 */
export const standing = (hints, corrections, now) =>
  hints.filter(
    ({ state, correction, decided_at = "" }) =>
      state === "open" ||
      (now - Date.parse(decided_at) < NEWS_MS && !corrections.some(({ id, withdrawn_at }) => id === correction && !withdrawn_at)),
  );
