/**
 * Where a comment is.
 *
 * @import {Comment, State, Thread} from "../types"
 */

/** @param {State} state @param {string} id @returns {Comment | undefined} */
export function find(state, id) {
  for (const thread of state.threads) {
    if (thread.id === id) return thread;
    const reply = thread.replies.find((each) => each.id === id);
    if (reply) return reply;
  }
  return undefined;
}

/** All ids in these threads. @param {readonly Thread[]} threads */
export const ids = (threads) =>
  new Set(threads.flatMap((thread) => [thread.id, ...thread.replies.map((reply) => reply.id)]));
