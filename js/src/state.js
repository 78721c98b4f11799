/**
 * What the page knows of one story: snapshot + frames + the reader's own acts -> state.
 *
 * Pure: no clock, no network, no document. Every function returns a new state and leaves the old
 * one as it was, so that the view may compare by identity.
 *
 * @import {Act, Comment, Frame, Snapshot, State, Tally, Thread} from "./types"
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
  order: "newest",
  muted: [],
  mine: { reaction: null, reactions: {}, comments: {} },
  wish: null,
  trouble: null,
};

/**
 * What changes a list of comments is a part of its own, fetched when there is a first change.
 *
 * @typedef {(state: State, event: any) => Partial<State> | false} Changes
 * @type {Changes | undefined}
 */
let changes;
/** @param {Changes} part */
export const teach = (part) => (changes = part);

/**
 * @param {State} state
 * @param {Frame | Act} event
 * @returns {State | undefined} the same object if nothing changed, nothing if the part that knows is not there yet
 */
export function reduce(state, event) {
  const change = changeBy(state, event);
  return change ? { ...state, ...change } : change === undefined ? change : state;
}

/**
 * @param {State} state
 * @param {Frame | Act} event
 * @returns {Partial<State> | false | undefined}
 */
function changeBy(state, event) {
  const { tally, wish, story } = state;
  switch (event.type) {
    case "snapshot": {
      const { comments, changes, mine } = event;
      if (story && (comments || changes?.[0])) break;
      if (mine?.comments?.[0]) break;
      return arrive(state, event);
    }
    case "tally":
      if (event.comment) break;
      return { tally: newest(tally, event) };
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
    case "set":
      return event.change;
  }
  return changes?.(state, event);
}

/**
 * What a snapshot says beside its comments; those of the first one are taken as they are.
 *
 * @param {State} state
 * @param {Snapshot} snapshot
 * @returns {State}
 */
export function arrive(state, snapshot) {
  const { story, tally, presence, settings, position, mine, comments, count } = snapshot;
  const { can = state.can, read_only: readOnly = state.readOnly } = snapshot;
  const same = state.position?.epoch === position.epoch;
  return {
    ...state,
    story,
    presence,
    settings,
    can,
    readOnly,
    trouble: null,
    tally: same ? newest(state.tally, tally) : tally,
    mine: mine
      ? { reaction: mine.reaction, reactions: mine.reactions ?? {}, comments: {} }
      : state.mine,
    // A cached answer may be older than what the socket has brought meanwhile.
    ...(!(same && position.seq < Number(state.position?.seq)) && { position, count }),
    ...(!state.story && comments),
  };
}

/** The reaction to show as chosen. @param {State} state */
export const choice = (state) => (state.wish ? state.wish.reaction : state.mine.reaction);

/** The counts to show. @param {State} state */
export const counts = (state) => (state.wish ?? state.tally).counts;

/** Whether this reader may do that here and now. @param {State} state @param {"react" | "comment"} what */
export const may = ({ can, readOnly, story }, what) =>
  can.includes(what) && !readOnly && !story?.closed;

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

/** @param {Tally} old @param {Tally} next @returns {Tally} */
export const newest = (old, { version, counts }) => (version > old.version ? { version, counts } : old);

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
