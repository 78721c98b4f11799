/**
 * What the page knows of one story: snapshot + frames + the reader's own acts -> state.
 *
 * Pure: no clock, no network, no document. Every function returns a new state and leaves the old
 * one as it was, so that the view may compare by identity.
 *
 * @import {StateEvent, Comment, ServerMessage, Snapshot, State, Tally} from "./types"
 */

/** What a first snapshot may leave open; there is no more before it. */
export const INITIAL_STATE = /** @type {State} */ ({
  threads: /** @type {State["threads"]} */ ([]),
  unseen: /** @type {State["unseen"]} */ ([]),
  can: /** @type {State["can"]} */ (["read", "react", "comment"]),
  order: "newest",
  muted: /** @type {State["muted"]} */ ([]),
  filter: (_) => true,
  mine: { reaction: null, reactions: {}, comments: {} },
});

/**
 * What changes a list of comments is a part of its own, fetched when there is a first change.
 *
 * @typedef {(state: State, event: any) => State} Changes
 * @type {Changes | undefined}
 */
let changes;
/** @param {Changes} part */
export const installCommentReducer = (part) => (changes = part);

/**
 * @param {State} state
 * @param {ServerMessage | StateEvent} event
 * @returns {State | undefined} the same object if nothing changed, nothing if the part that knows is not there yet
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
      return { ...state, presence: { readers: event.readers, copies: event.copies } };
    case "set":
      return { ...state, ...event.change };
  }
  return changes?.(state, event);
}

/**
 * What a snapshot says beside its comments; those of the first one are taken as they are. What it does not name stays.
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
    // A cached answer may be older than what the socket has brought meanwhile.
    ...(same && position.seq < old.seq && { position: old, count: state.count }),
    ...(!state.story && comments),
  };
}

/** The reaction to show as chosen. @param {State} state */
export const selectedReaction = (state) => (state.optimistic ? state.optimistic.reaction : state.mine.reaction);

/** The counts to show. @param {Pick<State, "optimistic" | "tally">} state */
export const counts = ({ optimistic, tally }) =>
  // Without a prototype: a site may call a reaction `constructor`.
  /** @type {Record<string, number>} */ (/** @type {unknown} */ ({ __proto__: null, ...(optimistic ?? tally).counts }));

/** @param {Record<string, number>} counts */
export function sum(counts) {
  let all = 0;
  // Old libraries put a `reduce` of their own into the page.
  for (const n of Object.values(counts)) all += n;
  return all;
}

/** Whether this reader may do that here and now. @param {State} state @param {"react" | "comment"} what */
export const isAllowed = ({ can, read_only, story }, what) =>
  can.includes(what) && !read_only && !story?.closed;

/** Whether this reader does not want to read this person. @param {State} state @param {Comment} comment */
export const isMuted = ({ muted }, { author }) => muted.includes(author?.name ?? "");

/** @param {Tally} old @param {Tally} next @returns {Tally} */
export const newerTally = (old, { version, counts }) => (version > old.version ? { version, counts } : old);

/**
 * A reaction on its way, or the chosen one on its way back: what to show until the server has answered.
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
