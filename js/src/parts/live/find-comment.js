/**
 * Find comments in threads, and merge parts of a thread.
 *
 * @import {Comment, State, Thread} from "../../types"
 */

/** Return the comment with this id. @param {State} state @param {string} id @returns {Comment | undefined} */
export function find(state, id) {
  for (const thread of state.threads) {
    if (thread.id === id) return thread;
    const reply = thread.replies.find((each) => each.id === id);
    if (reply) return reply;
  }
  return undefined;
}

/** Return the ids of all comments in these threads. @param {readonly Thread[]} threads */
export const ids = (threads) =>
  new Set(threads.flatMap((thread) => [thread.id, ...thread.replies.map((reply) => reply.id)]));

/**
 * Return the thread with the number of missing replies, computed from the totals of a newer part of it.
 *
 * @param {Thread} thread
 * @param {Thread} part
 * @param {string | null} [next] the reply after which the missing ones follow; default: the last one
 * @returns {Thread}
 */
export function recount(thread, part, next) {
  const { id, replies, earlier = 0 } = thread;
  const loaded = replies.filter(sequence);
  const more = (part.earlier ?? 0) + part.replies.filter(sequence).length + part.more - earlier - loaded.length;
  return {
    ...thread,
    counted: part.counted,
    more: Math.max(0, more),
    next: more > 0 ? (next ?? loaded.at(-1)?.id ?? id) : null,
  };
}

/** Return the thread merged with another part of it. @param {Thread} thread @param {Thread} part */
export function extend(thread, part) {
  const all = new Map([...thread.replies, ...part.replies].map((each) => [each.id, each]));
  for (const old of thread.replies) {
    if (old.seq > /** @type {Comment} */ (all.get(old.id)).seq) all.set(old.id, old);
  }
  const replies = [...all.values()].sort((a, b) => sortKey(a) - sortKey(b));
  return recount({ ...thread, replies }, part, part.next);
}

/** Return the place in the order of writing; 0 for a pending comment. @param {Comment} comment */
const sequence = ({ published_seq }) => published_seq;

/** Return the sort key: pending comments are last. @param {Comment} comment */
const sortKey = (comment) => sequence(comment) || 2 ** 53;
