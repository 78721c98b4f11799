/**
 * Reducer for the state of one story: snapshot, server messages and the reader's own actions give the next state.
 *
 * Pure functions: no clock, no network, no document. They return a new state and never change the old one, so that the
 * view may compare by identity.
 *
 * @import {StateEvent, Comment, ServerMessage, Snapshot, State, Tally} from "./types"
 */

/** The state before the first snapshot: only fields that a snapshot may omit. */
export const INITIAL_STATE = /** @type {State} */ ({
  threads: /** @type {State["threads"]} */ ([]),
  unseen: /** @type {State["unseen"]} */ ([]),
  can: /** @type {State["can"]} */ (["read", "react", "comment"]),
  order: "newest",
  muted: /** @type {State["muted"]} */ ([]),
  mine: { reaction: null, reactions: {}, comments: {} },
});

/**
 * Reducer for lists of comments. It is in the live part, loaded at the first change.
 *
 * @typedef {(state: State, event: any) => State} Changes
 * @type {Changes | undefined}
 */
let changes;
/** Set the comment reducer. @param {Changes} part */
export const installCommentReducer = (part) => (changes = part);

/**
 * Return the next state.
 *
 * @param {State} state
 * @param {ServerMessage | StateEvent} event
 * @returns {State | undefined} the same object if nothing changed, undefined if the comment reducer is needed but missing
 */
export function reduce(state, event) {
  switch (event.type) {
    case "snapshot": {
      const { comments, changes, mine } = event;
      if ((state.story && comments) || changes?.[0] || mine?.comments?.[0]) break;
      return applySnapshot(state, event);
    }
    case "tally":
      if (event.comment) break;
      return { ...state, tally: newerTally(state.tally, event) };
    case "presence":
      return { ...state, presence: event };
    case "set":
      return { ...state, ...event.change };
  }
  return changes?.(state, event);
}

/**
 * Apply a snapshot's fields. Its comments are applied only if it is the first snapshot. Missing fields keep their value.
 *
 * @param {State} state
 * @param {Snapshot} snapshot
 * @returns {State}
 */
export function applySnapshot(state, snapshot) {
  const { position, tally, mine, comments } = snapshot;
  const old = state.position;
  const same = old?.epoch === position.epoch;
  return {
    ...state,
    ...snapshot,
    error: null,
    tally: same ? newerTally(state.tally, tally) : tally,
    mine: mine ? { ...INITIAL_STATE.mine, ...mine, comments: {} } : state.mine,
    // A cached response may be older than messages already received from the socket.
    ...(same && position.seq < old.seq && { position: old, count: state.count }),
    ...(!state.story && comments),
  };
}

/** Return the reaction to show as chosen. @param {State} state */
export const selectedReaction = (state) => (state.optimistic ? state.optimistic.reaction : state.mine.reaction);

/** Return the counts to show, by reaction. @param {Pick<State, "optimistic" | "tally">} state */
export const counts = ({ optimistic, tally }) =>
  // No prototype: a reaction's key may be `constructor`.
  /** @type {Record<string, number>} */ (/** @type {unknown} */ ({ __proto__: null, ...(optimistic ?? tally).counts }));

/** Return the sum of all counts. @param {Record<string, number>} counts */
export function sum(counts) {
  let all = 0;
  // Not `reduce`: old libraries of host pages replace it.
  for (const n of Object.values(counts)) all += n;
  return all;
}

/** Whether the reader may do this now. @param {State} state @param {"react" | "comment"} what */
export const isAllowed = ({ can, read_only, story }, what) =>
  can.includes(what) && !read_only && !story?.closed;

/**
 * Whether a comment is drawn: not one that this copy hides or answers such a one, nor by a muted author. A removed one only
 * if it is `known`: the reader saw it, or it has replies.
 *
 * @param {State} state
 * @param {Comment} comment
 * @param {unknown} known
 */
export const isShown = ({ muted, unseen, copy }, { id, parent, author, state }, known) =>
  (known || state !== "removed") &&
  ![id, parent, author?.name].some((each) => [unseen, muted, copy?.hidden ?? ""].flat().includes(/** @type {string} */ (each)));

/** Return the tally with the higher version. @param {Tally} old @param {Tally} next @returns {Tally} */
export const newerTally = (old, next) => (next.version > old.version ? next : old);

/**
 * Return the reaction and counts to show until the server replies. Choosing the chosen reaction removes it.
 *
 * @param {State} state
 * @param {string} key
 * @returns {NonNullable<State["optimistic"]>}
 */
export function optimisticReaction(state, key) {
  const result = counts(state);
  const old = selectedReaction(state);
  const reaction = key === old ? null : key;
  if (old) result[old] = Math.max(0, (result[old] ?? 0) - 1);
  if (reaction) result[reaction] = (result[reaction] ?? 0) + 1;
  return { reaction, counts: result };
}
