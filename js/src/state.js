/**
 * What the page knows of one story: snapshot + frames + the reader's own acts -> state.
 *
 * Pure: no clock, no network, no document. Every function returns a new state and leaves the old
 * one as it was, so that the view may compare by identity.
 *
 * @import {Act, Comment, Frame, OwnComment, Snapshot, State, Tally, Thread} from "./types"
 */

/** @type {State} */
export const EMPTY = {
  story: null,
  position: null,
  tally: { version: -1, counts: {} },
  presence: { readers: 0, copies: 0 },
  count: 0,
  settings: null,
  threads: [],
  next: null,
  fresh: [],
  can: ["read", "react", "comment"],
  readOnly: null,
  mine: { reaction: null, comments: {} },
  wish: null,
  trouble: null,
};

/**
 * @param {State} state
 * @param {Frame | Act} event
 * @returns {State} the same object if nothing changed
 */
export function reduce(state, event) {
  const change = changeBy(state, event);
  return change ? { ...state, ...change } : state;
}

/**
 * @param {State} state
 * @param {Frame | Act} event
 * @returns {Partial<State> | false}
 */
function changeBy(state, event) {
  const { threads, tally, wish, story, position: old } = state;
  switch (event.type) {
    case "snapshot":
      return arrive(state, event);
    case "comment":
    case "story": {
      const { position } = event;
      if (!story || old?.epoch !== position.epoch || position.seq <= old.seq) return false;
      if (event.type === "comment") {
        return { ...put(state, event.comment), position, count: event.count ?? state.count };
      }
      const { closed = story.closed, notice = story.notice, settings = state.settings } = event;
      return { position, settings, story: { ...story, closed, notice } };
    }
    case "tally":
      return event.comment
        ? {
            threads: swap(threads, event.comment, (each) => ({
              ...each,
              tally: newest(each.tally, event),
            })),
          }
        : { tally: newest(tally, event) };
    case "presence":
      return { presence: { readers: event.readers, copies: event.copies } };
    case "wish": {
      const { ref, reaction } = event;
      return { wish: { ref, reaction, counts: moved(counts(state), choice(state), reaction) } };
    }
    case "answered":
      return {
        wish: wish?.ref === event.ref ? null : wish,
        ...(event.tally && {
          tally: newest(tally, event.tally),
          mine: { ...state.mine, reaction: event.reaction ?? null },
        }),
      };
    case "own":
      return putOwn(state, event.comment);
    case "set":
      return event.change;
  }
}

/** The reaction to show as chosen. @param {State} state */
export const choice = (state) => (state.wish ? state.wish.reaction : state.mine.reaction);

/** The counts to show. @param {State} state */
export const counts = (state) => (state.wish ?? state.tally).counts;

/** @param {State} state @param {string} id @returns {Comment | undefined} */
export function find(state, id) {
  for (const thread of state.threads) {
    if (thread.id === id) return thread;
    const reply = thread.replies.find((each) => each.id === id);
    if (reply) return reply;
  }
  return undefined;
}

/**
 * The first snapshot is drawn as it is. A later one is so many changes: nothing vanishes from a discussion but leaves a
 * tombstone, so that what it does not name is further down.
 *
 * @param {State} state
 * @param {Snapshot} snapshot
 */
function arrive(state, snapshot) {
  const { story, tally, presence, settings, position, mine, comments } = snapshot;
  const changes = [...(snapshot.changes ?? [])];
  const { can = state.can, read_only: readOnly = state.readOnly } = snapshot;
  const same = state.position?.epoch === position.epoch;
  /** @type {State} */
  let result = { ...state, story, presence, settings, can, readOnly, trouble: null };
  result.tally = same ? newest(state.tally, tally) : tally;
  // A cached answer may be older than what the socket has brought meanwhile.
  if (!same || position.seq >= Number(state.position?.seq)) {
    result.position = position;
    result.count = snapshot.count;
    if (comments) {
      const { threads, next } = comments;
      const known = ids(state.threads);
      if (same && (!next || threads.some(({ id, pinned }) => !pinned && known.has(id)))) {
        for (const thread of threads) changes.push(thread, ...thread.replies);
      } else {
        // Nothing in common with what is drawn: there is no telling what lies between.
        Object.assign(result, { threads, next, fresh: [] });
      }
    }
  }
  if (mine) {
    result.mine = { reaction: mine.reaction, comments: {} };
    for (const comment of mine.comments ?? []) {
      result = (comment.state === "pending" ? putOwn : note)(result, comment);
    }
  }
  // By writing time: a change list is ordered by last change, and a place in the list is by birth.
  for (const comment of changes.sort(later)) result = put(result, comment);
  return result;
}

/**
 * Inserts or replaces a comment. What is new and not the reader's own is held back in `fresh`.
 *
 * @param {State} state
 * @param {Comment} comment
 * @param {boolean} [own]
 * @returns {State}
 */
function put(state, comment, own = comment.id in state.mine.comments) {
  const { id, parent, pinned } = comment;
  const { threads, fresh, next } = state;
  const old = find(state, id);
  const gone = comment.state === "removed";
  if (old) {
    if (old.seq > comment.seq) return state;
    // Gone before it was seen: it need not come only to say so.
    if (gone && fresh.includes(id)) return { ...state, ...without(state, id) };
    return {
      ...state,
      fresh: own ? fresh.filter((each) => each !== id) : fresh,
      threads:
        old.pinned === pinned
          ? swap(threads, id, (each) => renew(each, comment))
          : place(
              threads.filter((each) => each !== old),
              renew(/** @type {Thread} */ (old), comment),
            ),
    };
  }
  const thread = threads.find((each) => each.id === comment.thread);
  const last = threads.at(-1);
  // Of a thread further down, or older than all that was paged to: it will come with its page.
  if (gone || (parent ? !thread : next && last && later(last, comment) > 0 && !pinned)) {
    return state;
  }
  if (thread?.more && !own) {
    const more = thread.more + (comment.edited_at ? 0 : 1);
    return { ...state, threads: swap(threads, thread.id, (each) => ({ ...each, more })) };
  }
  return {
    ...state,
    fresh: own ? fresh : [...fresh, id],
    threads: thread
      ? swap(threads, thread.id, (each) => ({ ...each, replies: [...each.replies, comment] }))
      : place(threads, { ...comment, replies: [], more: 0 }),
  };
}

/** @param {State} state @param {string} id */
const without = ({ threads, fresh }, id) => ({
  fresh: fresh.filter((each) => each !== id),
  threads: threads
    .filter((each) => each.id !== id)
    .map((each) => ({ ...each, replies: each.replies.filter((reply) => reply.id !== id) })),
});

/** @param {Thread} old @param {Comment} comment @returns {Thread} */
const renew = ({ replies, more }, comment) =>
  /** @type {Thread} */ (replies ? { ...comment, replies, more } : comment);

/** @param {State} state @param {OwnComment} comment */
function putOwn(state, comment) {
  const { body: _body, editable_until: _until, ...plain } = comment;
  return put(note(state, comment), plain, true);
}

/** @param {State} state @param {OwnComment} comment @returns {State} */
function note(state, { id, body, editable_until }) {
  const comments = { ...state.mine.comments, [id]: { body, editable_until } };
  return { ...state, mine: { ...state.mine, comments } };
}

/**
 * Pinned first, then newest first.
 *
 * @param {readonly Thread[]} threads
 * @param {Thread} thread
 */
function place(threads, thread) {
  const at = threads.findIndex((each) =>
    each.pinned === thread.pinned ? later(thread, each) >= 0 : thread.pinned,
  );
  const cut = at < 0 ? threads.length : at;
  return [...threads.slice(0, cut), thread, ...threads.slice(cut)];
}

/**
 * Replaces the comment `id`, wherever it stands, and nothing else.
 *
 * @param {readonly Thread[]} threads
 * @param {string} id
 * @param {(comment: any) => any} make
 * @returns {readonly Thread[]}
 */
function swap(threads, id, make) {
  return threads.map((thread) => {
    if (thread.id === id) return make(thread);
    return thread.replies.some((reply) => reply.id === id)
      ? {
          ...thread,
          replies: thread.replies.map((reply) => (reply.id === id ? make(reply) : reply)),
        }
      : thread;
  });
}

/** All ids in these threads. @param {readonly Thread[]} threads */
export const ids = (threads) =>
  new Set(threads.flatMap((thread) => [thread.id, ...thread.replies.map((reply) => reply.id)]));

/** Above 0 if `a` was written after `b`. @param {Comment} a @param {Comment} b */
const later = (a, b) => Date.parse(a.created_at) - Date.parse(b.created_at);

/** @param {Tally} old @param {Tally} next @returns {Tally} */
const newest = (old, { version, counts }) => (version > old.version ? { version, counts } : old);

/**
 * @param {Record<string, number>} counts
 * @param {string | null} from
 * @param {string | null} to
 */
function moved(counts, from, to) {
  const result = { ...counts };
  if (from) result[from] = Math.max(0, (result[from] ?? 0) - 1);
  if (to) result[to] = (result[to] ?? 0) + 1;
  return result;
}
