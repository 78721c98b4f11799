/**
 * Bring an answer with comments up to date. The server read it at its `position`, which may be before messages that the page
 * has already applied: they would be lost if the answer replaced what is shown.
 *
 * @import {State, Thread} from "../../types"
 */

/**
 * Return the state that a page with this answer as its list would have now.
 *
 * @param {typeof import("../../state").reduce} reduce
 * @param {State} state
 * @param {Pick<State, "position" | "next" | "order"> & {threads: readonly Thread[]}} answer
 * @returns {State}
 */
export function bringUpToDate(reduce, state, { position = state.position, next, order, threads }) {
  const seq = Number(position?.seq);
  /** @type {State | undefined} */
  let list = { ...state, position, next, order, threads: threads.map((each) => ({ ...each, counted: seq })), unseen: [] };
  const own = Object.values(state.mine.comments)
    // Not public, or too new for the answer.
    .filter(({ state, published_seq: at }) => state !== "removed" && (!at || at > seq))
    .map((comment) => ({ type: /** @type {const} */ ("own"), comment }));
  for (const event of [...own, ...(state.recent ?? [])]) list = reduce(/** @type {State} */ (list), event);
  return /** @type {State} */ (list);
}
