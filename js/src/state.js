/**
 * What the page knows of one story: snapshot + frames + the reader's own acts -> state.
 *
 * Pure: no clock, no network, no document. Every function returns a new state and leaves the old
 * one as it was, so that the view may compare by identity.
 *
 * @import {Act, Comment, Frame, Snapshot, State, Tally} from "./types"
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
  sieve: () => true,
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
  const { tally, story } = state;
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

/** Whether this reader does not want to read this person. @param {State} state @param {Comment} comment */
export const isMuted = ({ muted }, { author }) => muted.includes(author?.name ?? "");

/** @param {Tally} old @param {Tally} next @returns {Tally} */
export const newest = (old, { version, counts }) => (version > old.version ? { version, counts } : old);

/**
 * A reaction on its way: what to show until the server has answered.
 *
 * @param {State} state
 * @param {string | null} reaction
 * @returns {NonNullable<State["wish"]>}
 */
export function wishFor(state, reaction) {
  const result = { ...counts(state) };
  const old = choice(state);
  if (old) result[old] = Math.max(0, (result[old] ?? 0) - 1);
  if (reaction) result[reaction] = (result[reaction] ?? 0) + 1;
  return { reaction, counts: result };
}
