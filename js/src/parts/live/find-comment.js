/**
 * Where a comment is.
 *
 * @import {Comment, State, Thread} from "../../types"
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

/**
 * A thread with how many replies are left out, by what a part of it says: of all, so many are held.
 *
 * @param {Thread} thread
 * @param {Thread} part
 * @param {string | null} [next] after which of its replies the rest follows; the last one if not told
 * @returns {Thread}
 */
export function recount(thread, part, next) {
  const { id, replies, earlier = 0 } = thread;
  const held = replies.filter((each) => each.published_seq);
  const more = (part.earlier ?? 0) + part.replies.length + part.more - earlier - held.length;
  return {
    ...thread,
    more: Math.max(0, more),
    next: more > 0 ? (next ?? held.at(-1)?.id ?? id) : null,
  };
}

/** A thread with a further part of it. @param {Thread} thread @param {Thread} part */
export function extend(thread, part) {
  const all = new Map([...thread.replies, ...part.replies].map((each) => [each.id, each]));
  for (const old of thread.replies) {
    if (old.seq > /** @type {Comment} */ (all.get(old.id)).seq) all.set(old.id, old);
  }
  const replies = [...all.values()].sort((a, b) => rank(a) - rank(b));
  return recount({ ...thread, replies }, part, part.next);
}

/** What no one else sees yet comes last. @param {Comment} comment */
const rank = ({ published_seq }) => published_seq || 2 ** 53;
