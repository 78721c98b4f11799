/**
 * Reducer for changes to a list of comments. Pure functions, as in `state.js`. Loaded at the first change.
 *
 * @import {Comment, OwnComment, Snapshot, State, Thread} from "../../types"
 * @import {Changes} from "../../state"
 */
import { find, ids, recount } from "./find-comment.js";

/**
 * Functions of the first file, passed in so that this partial needs no copies.
 *
 * @typedef {Pick<typeof import("../../state"), "applySnapshot" | "newerTally">} Base
 */

/** The number of events that are kept for answers that are older than they (`bringUpToDate`). */
const MAX_RECENT = 200;

/** Create the comment reducer. @param {Base} base @returns {Changes} */
export function createReducer({ applySnapshot, newerTally }) {
  /** @type {Changes} */
  function reduceAndRemember(state, event) {
    const next = reduceComments(state, event);
    // The reader's own comments are in the state.
    if (next === state || event.type === "own") return next;
    // A later tally of a comment, or a whole snapshot, makes the earlier ones needless.
    const isTally = event.type === "tally";
    const before = (state.recent ?? []).filter((each) => !event.comments && !(isTally && each.type === "tally" && each.comment === event.comment));
    return { ...next, recent: [...before, event].slice(-MAX_RECENT) };
  }

  /** @type {import("../../state").Changes} */
  function reduceComments(state, event) {
    const { threads, story, optimistic, mine, position: old } = state;
    switch (event.type) {
      case "answered":
        return {
          ...state,
          // The last choice stays optimistic until its own reply.
          optimistic: optimistic === event.optimistic ? null : optimistic,
          late: optimistic !== event.optimistic && state.late,
          tally: newerTally(state.tally, event.tally),
          mine: { ...mine, reaction: event.optimistic.reaction },
        };
      case "snapshot":
        return mergeSnapshot(state, event);
      case "comment":
      case "story": {
        const { position } = event;
        if (!story || !old || old.epoch !== position.epoch || position.seq <= old.seq) return state;
        if (event.type === "comment") {
          return { ...upsertComment(state, event.comment), position, count: event.count ?? state.count };
        }
        const { type, story: code, position: at, settings = state.settings, ...facts } = event;
        return { ...state, position, settings, story: { ...story, ...facts } };
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
        return insertOwn(state, event.comment);
    }
    return state;
  }

  /**
   * Merge a later snapshot as a list of changes. Removed comments stay as tombstones, so a comment that the snapshot does
   * not contain is on a later page.
   *
   * @param {State} state
   * @param {Snapshot} snapshot
   */
  function mergeSnapshot(state, snapshot) {
    const { position, mine, comments } = snapshot;
    const changes = [...(snapshot.changes ?? [])];
    const knownSeq = state.position?.seq ?? 0;
    const same = state.position?.epoch === position.epoch;
    let result = applySnapshot(state, snapshot);
    // Ignore comments that are older than messages already received from the socket.
    if (comments && state.story && (!same || position.seq >= Number(state.position?.seq))) {
      const { threads, next } = comments;
      const old = ids(state.threads);
      if (same && (!next || threads.some(({ id, pinned }) => !pinned && old.has(id)))) {
        for (const thread of threads) changes.push(thread, ...thread.replies);
      } else {
        // No thread in common with the drawn ones: there may be threads in between. Replace the list.
        Object.assign(result, { threads, next, unseen: [], order: "newest" });
      }
    }
    for (const comment of mine?.comments ?? []) {
      result = (comment.state === "pending" ? insertOwn : saveOwn)(result, comment);
    }
    // Sort by creation: the server orders changes by last change, the list is ordered by creation.
    for (const comment of changes.sort(compareCreated)) result = upsertComment(result, comment, undefined, knownSeq);
    // Update the number of missing replies of threads that are incomplete in the snapshot.
    for (const partial of same && comments ? comments.threads : []) {
      const next = state.threads.find((each) => each.id === partial.id)?.next;
      if (partial.more || next) result = { ...result, threads: replaceComment(result.threads, partial.id, (each) => recount(each, partial, next)) };
    }
    return result;
  }

  /**
   * Insert or replace a comment. New comments of other readers are added to `unseen`.
   *
   * @param {State} state
   * @param {Comment} comment
   * @param {boolean} [own]
   * @param {number} [knownSeq] the last `seq` before this event
   * @returns {State}
   */
  function upsertComment(state, comment, own = comment.id in state.mine.comments, knownSeq = Number(state.position?.seq)) {
    const { id, parent, pinned } = comment;
    const { threads, unseen, next, order } = state;
    const old = find(state, id);
    const removed = comment.state === "removed";
    if (old) {
      if (old.seq > comment.seq) return state;
      // Removed before the reader saw it: drop it without a tombstone.
      if (removed && !parent && unseen.includes(id)) return { ...state, ...without(state, id) };
      return {
        ...state,
        unseen: own || removed ? unseen.filter((each) => each !== id) : unseen,
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
    // Its place is on a page not loaded yet: it will be loaded with that page.
    const onLaterPage = order === "oldest" || (last && compareCreated(last, comment) > 0 && order === "newest");
    if (parent ? !thread : removed || (next && onLaterPage && !pinned && !own)) return state;
    if (thread && !own && (thread.more || thread.earlier)) {
      // An old reply is loaded with its partial of the thread. A new reply is the last one.
      if (!(comment.published_seq > Math.max(knownSeq, thread.counted ?? 0))) return state;
      if (thread.more) {
        return {
          ...state,
          threads: replaceComment(threads, thread.id, (each) => ({ ...each, more: each.more + 1 })),
        };
      }
    }
    return {
      ...state,
      unseen: own || removed ? unseen : [...unseen, id],
      threads: thread
        ? replaceComment(threads, thread.id, (each) => ({ ...each, replies: [...each.replies, comment] }))
        : insertSorted(threads, { ...comment, replies: [], more: 0, next: null }, order),
    };
  }

  /** Remove a top-level comment. @param {State} state @param {string} id */
  const without = ({ threads, unseen }, id) => ({
    unseen: unseen.filter((each) => each !== id),
    threads: threads.filter((each) => each.id !== id),
  });

  /** Return the new comment with the old one's replies. @param {Thread} old @param {Comment} comment @returns {Thread} */
  const mergeComment = ({ replies, more, next, earlier, counted }, comment) =>
    /** @type {Thread} */ (
      replies ? { ...comment, replies, more, next, ...(earlier && { earlier }), ...(counted && { counted }) } : comment
    );

  /** Insert the reader's own comment. @param {State} state @param {OwnComment} comment */
  function insertOwn(state, comment) {
    const { body: _body, editable_until: _until, decision: _decision, ...plain } = comment;
    return upsertComment(saveOwn(state, comment), plain, true);
  }

  /** Save the fields that only the author receives. @param {State} state @param {OwnComment} comment @returns {State} */
  function saveOwn(state, comment) {
    const comments = { ...state.mine.comments, [comment.id]: comment };
    return { ...state, mine: { ...state.mine, comments } };
  }

  /**
   * Insert a thread: pinned first, then newest first. A new thread is last in order `oldest`, first in order `top`.
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
          ? compareCreated(thread, each) >= 0
          : thread.pinned,
    );
    const index = at < 0 ? threads.length : at;
    return [...threads.slice(0, index), thread, ...threads.slice(index)];
  }

  /**
   * Replace the comment `id`, top-level or reply. Other threads stay identical.
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

  /** Compare creation times: above 0 if `a` is newer. @param {Comment} a @param {Comment} b */
  const compareCreated = (a, b) => Date.parse(a.created_at) - Date.parse(b.created_at);

  return reduceAndRemember;
}
