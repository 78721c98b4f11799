/**
 * Changes of a list of comments that is there already, as pure as `state.js`: fetched by who stays until the first one.
 *
 * @import {Comment, OwnComment, Snapshot, State, Thread} from "../../types"
 * @import {Changes} from "../../state"
 */
import { find, ids, recount } from "./find-comment.js";

/**
 * What it borrows from the first file instead of bringing its own.
 *
 * @typedef {Pick<typeof import("../../state"), "applySnapshot" | "newerTally">} Base
 */

/** @param {Base} base @returns {Changes} */
export function createReducer({ applySnapshot, newerTally }) {
  /** @type {import("../../state").Changes} */
  function changeBy(state, event) {
    const { threads, story, optimistic, mine, position: old } = state;
    switch (event.type) {
      case "answered":
        return {
          ...state,
          // Of two wishes the last one stays.
          optimistic: optimistic === event.optimistic ? null : optimistic,
          late: optimistic !== event.optimistic && state.late,
          tally: newerTally(state.tally, event.tally),
          mine: { ...mine, reaction: event.optimistic.reaction },
        };
      case "snapshot":
        return renewed(state, event);
      case "comment":
      case "story": {
        const { position } = event;
        if (!story || !old || old.epoch !== position.epoch || position.seq <= old.seq) return state;
        if (event.type === "comment") {
          return { ...upsertComment(state, event.comment), position, count: event.count ?? state.count };
        }
        const { closed = story.closed, notice = story.notice, settings = state.settings } = event;
        return { ...state, position, settings, story: { ...story, closed, notice } };
      }
      case "tally":
        return {
          ...state,
          threads: replaceComment(threads, event.comment, (each) => ({
            ...each,
            tally: newerTally(each.tally, event),
          })),
        };
      case "own":
        return putOwn(state, event.comment);
    }
    return state;
  }

  /**
   * The first snapshot is drawn as it is. A later one is so many changes: nothing vanishes from a discussion but leaves a
   * tombstone, so that what it does not name is further down.
   *
   * @param {State} state
   * @param {Snapshot} snapshot
   */
  function renewed(state, snapshot) {
    const { position, mine, comments } = snapshot;
    const changes = [...(snapshot.changes ?? [])];
    const known = state.position?.seq ?? 0;
    const same = state.position?.epoch === position.epoch;
    let result = applySnapshot(state, snapshot);
    // Nothing older than what the socket has brought meanwhile.
    if (comments && state.story && (!same || position.seq >= Number(state.position?.seq))) {
      const { threads, next } = comments;
      const old = ids(state.threads);
      if (same && (!next || threads.some(({ id, pinned }) => !pinned && old.has(id)))) {
        for (const thread of threads) changes.push(thread, ...thread.replies);
      } else {
        // Nothing in common with what is drawn: there is no telling what lies between.
        Object.assign(result, { threads, next, unseen: [], order: "newest" });
      }
    }
    for (const comment of mine?.comments ?? []) {
      result = (comment.state === "pending" ? putOwn : saveOwn)(result, comment);
    }
    // By writing time: a change list is ordered by last change, and a place in the list is by birth.
    for (const comment of changes.sort(later)) result = upsertComment(result, comment, undefined, known);
    // Of a thread that is not whole there, as many are left out as it says.
    for (const part of same && comments ? comments.threads : []) {
      const next = state.threads.find((each) => each.id === part.id)?.next;
      if (part.more || next) result = { ...result, threads: replaceComment(result.threads, part.id, (each) => recount(each, part, next)) };
    }
    return result;
  }

  /**
   * Inserts or replaces a comment. What is new and not the reader's own is held back in `fresh`.
   *
   * @param {State} state
   * @param {Comment} comment
   * @param {boolean} [own]
   * @param {number} [known] the last change that was known before
   * @returns {State}
   */
  function upsertComment(state, comment, own = comment.id in state.mine.comments, known = Number(state.position?.seq)) {
    const { id, parent, pinned } = comment;
    const { threads, unseen, next, order } = state;
    const old = find(state, id);
    const gone = comment.state === "removed";
    if (old) {
      if (old.seq > comment.seq) return state;
      // Gone before it was seen: it need not come only to say so.
      if (gone && !parent && unseen.includes(id)) return { ...state, ...without(state, id) };
      return {
        ...state,
        unseen: own || gone ? unseen.filter((each) => each !== id) : unseen,
        threads:
          old.pinned === pinned
            ? replaceComment(threads, id, (each) => mergeComment(each, comment))
            : insertSorted(
                threads.filter((each) => each !== old),
                mergeComment(/** @type {Thread} */ (old), comment),
                order,
              ),
      };
    }
    const thread = threads.find((each) => each.id === comment.thread);
    const last = threads.at(-1);
    // Of a thread further down, or beyond all that was paged to: it will come with its page.
    const beyond = order === "oldest" || (last && later(last, comment) > 0 && order === "newest");
    if (parent ? !thread : gone || (next && beyond && !pinned && !own)) return state;
    if (thread && !own && (thread.more || thread.earlier)) {
      // One that was there before comes with its part of the thread; one that is new is the last.
      if (!(comment.published_seq > known)) return state;
      if (thread.more) {
        return {
          ...state,
          threads: replaceComment(threads, thread.id, (each) => ({ ...each, more: each.more + 1 })),
        };
      }
    }
    return {
      ...state,
      unseen: own || gone ? unseen : [...unseen, id],
      threads: thread
        ? replaceComment(threads, thread.id, (each) => ({ ...each, replies: [...each.replies, comment] }))
        : insertSorted(threads, { ...comment, replies: [], more: 0, next: null }, order),
    };
  }

  /** @param {State} state @param {string} id */
  const without = ({ threads, unseen }, id) => ({
    unseen: unseen.filter((each) => each !== id),
    threads: threads.filter((each) => each.id !== id),
  });

  /** @param {Thread} old @param {Comment} comment @returns {Thread} */
  const mergeComment = ({ replies, more, next, earlier }, comment) =>
    /** @type {Thread} */ (
      replies ? { ...comment, replies, more, next, ...(earlier && { earlier }) } : comment
    );

  /** @param {State} state @param {OwnComment} comment */
  function putOwn(state, comment) {
    const { body: _body, editable_until: _until, ...plain } = comment;
    return upsertComment(saveOwn(state, comment), plain, true);
  }

  /** @param {State} state @param {OwnComment} comment @returns {State} */
  function saveOwn(state, { id, body, editable_until }) {
    const comments = { ...state.mine.comments, [id]: { body, editable_until } };
    return { ...state, mine: { ...state.mine, comments } };
  }

  /**
   * Pinned first, then newest first; what is new comes last where the oldest are first, and first where the best are.
   *
   * @param {readonly Thread[]} threads
   * @param {Thread} thread
   * @param {string} order
   */
  function insertSorted(threads, thread, order) {
    const at = threads.findIndex((each) =>
      order !== "newest"
        ? order === "top"
        : each.pinned === thread.pinned
          ? later(thread, each) >= 0
          : thread.pinned,
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
  function replaceComment(threads, id, make) {
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

  /** Above 0 if `a` was written after `b`. @param {Comment} a @param {Comment} b */
  const later = (a, b) => Date.parse(a.created_at) - Date.parse(b.created_at);

  return changeBy;
}
