/**
 * One story on this page: its state, and everything that changes it.
 *
 * @import {Act, Acts, Frame, State} from "./types"
 */
import { ask, now } from "./api.js";
import { json, keep, keyOf, recall } from "./memory.js";
import { backoff } from "./pace.js";
import { bring, bringAtLast } from "./parts.js";
import { lineTo, nextRef } from "./socket.js";
import { EMPTY, arrive, newest, reduce, teach, wishFor } from "./state.js";

/** Refusals of a whole copy, not of one deed. */
const FATAL = /not_|token_/;

/** How long an answer may take before the reader is told that there is none, in milliseconds. */
const PATIENCE = 2_000;

/** @typedef {ReturnType<typeof openDiscussion>} Discussion */

/** @type {Record<string, Discussion>} */
const discussions = {};

/**
 * The story `code` of `server`, one and the same for all widgets of the page that show it.
 *
 * @param {string} server
 * @param {string} code
 * @param {string | null} token
 * @param {string | null} identity
 */
export function discussionOf(server, code, token, identity) {
  const found = (discussions[server + code] ??= openDiscussion(server, code));
  // The latest pass holds: a page may have replaced one that was refused.
  return Object.assign(found, { token, identity });
}

/**
 * @param {string} server
 * @param {string} code
 */
function openDiscussion(server, code) {
  /** @type {Set<(state: State) => void>} */
  const watchers = new Set();
  /** What nothing here knows what to do with, and all that came after it. @type {(Frame | Act)[]} */
  const held = [];
  let tries = 0;
  let timer = 0;

  const self = {
    code,
    token: /** @type {string | null} */ (null),
    identity: /** @type {string | null} */ (null),
    state: EMPTY,
    line: lineTo(server),
    /** The reader as whom it was last subscribed to. */
    asked: /** @type {string | undefined} */ (undefined),
    /** The identity that was shown: it is good once. */
    spent: /** @type {string | null} */ (null),
    /** Whether the socket takes deeds. */
    live: false,
    watch,
    dispatch,
    learn,
    subscribed,
    hear,
    refuse,
    alone,
    set,
    react,
    memory,
    remember,
    now,
    // What is there when it has learnt.
    .../** @type {Acts} */ ({}),
  };

  /** @param {string} [site] */
  function memory(site = self.state.story?.site) {
    return recall(keyOf(server, site));
  }

  /** Keeps it in the reader's browser. @param {import("./memory").Memory} news */
  function remember(news) {
    keep(keyOf(server, self.state.story?.site), news);
  }

  /**
   * Calls `draw` at every change until the returned function is called.
   *
   * @param {(state: State) => void} draw
   */
  function watch(draw) {
    watchers.add(draw);
    draw(self.state);
    if (watchers.size === 1) start();
    return () => {
      watchers.delete(draw);
      if (watchers.size) return;
      clearTimeout(timer);
      removeEventListener("online", start);
      self.line.leave(self);
    };
  }

  /** @param {Frame | Act} event */
  function dispatch(event) {
    const state = reduce(self.state, event);
    if (!state && held.push(event) < 2) catchUp();
    if (!state || state === self.state) return;
    const { story } = self.state;
    self.state = state;
    if (!story && state.story) {
      const { muted, unsent } = memory();
      if (muted) set({ muted });
      // Chosen before the page was left, and not answered.
      if (unsent) learn(bringAtLast).then(() => self.resume());
    }
    for (const draw of [...watchers]) draw(self.state);
  }

  async function catchUp() {
    await learn(bringAtLast);
    held.splice(0).forEach(dispatch);
  }

  /** Fetches what it takes to act, and what knows how a list of comments changes. */
  async function learn(get = bring) {
    /** @type {typeof import("./live/index")} */
    const live = await get(server, "live");
    teach(live.changesOn({ arrive, newest }));
    if (!self.perform) Object.assign(self, live.actsOf(self, server, { ask, nextRef, json, keyOf, wishFor }));
  }

  /** @param {Partial<State>} change */
  function set(change) {
    dispatch({ type: "set", change });
  }

  async function start() {
    removeEventListener("online", start);
    clearTimeout(timer);
    try {
      if (!self.state.story) {
        const snapshot = await ask(`${server}/v1/stories/${code}`);
        // Marked at the first paint; the socket's word comes later.
        const { reactions } = memory(snapshot.story.site);
        dispatch({ ...snapshot, mine: { reaction: reactions?.[code] ?? null } });
      }
    } catch (problem) {
      if (!watchers.size) return;
      if (!FATAL.test(/** @type {any} */ (problem).code)) {
        alone();
        timer = setTimeout(start, 2_000 + backoff(tries++));
        return addEventListener("online", start);
      }
      // What nobody has shown yet, or may read without a token, comes by the token that subscribes to it.
      if (!self.token) return refuse(/** @type {any} */ (problem));
    }
    if (!watchers.size) return;
    if (!self.line.stories.has(self)) self.line = lineTo(server);
    self.line.join(self);
  }

  /** @param {any} answer a snapshot or a refusal */
  function subscribed(answer) {
    if (answer.type === "snapshot" && answer.story.code === code) {
      self.live = true;
      // From here on the reader token speaks for the person.
      self.spent = self.identity;
      // Who acted meanwhile has become somebody, of whom this answer does not know.
      if (self.asked !== self.memory().reader) delete answer.mine;
      hear(answer);
      // What answers with another story is no token of this one.
    } else if (FATAL.test((answer.code ??= "token_invalid"))) refuse(answer);
    else alone();
  }

  /** A frame from the socket. @param {any} frame */
  function hear(frame) {
    // What is said to this reader alone.
    if (frame.reader || frame.read_only) learn().then(() => self.keep(frame), () => {});
    // A right that ended, of this story alone.
    if (frame.type === "error") refuse(frame);
    else if (held[0]) held.push(frame);
    else dispatch(frame);
  }

  /** This copy is not welcome. @param {import("./types").Trouble} trouble */
  async function refuse(trouble) {
    // At once: what is refused is not asked for again meanwhile.
    self.line.leave(self);
    if (!(await learn().then(() => self.keep(trouble), () => {}))) set({ trouble });
  }

  /** There will be no answer soon: say so if there is nothing to show. */
  function alone() {
    if (!self.state.story) set({ trouble: { code: "unavailable" } });
  }

  /**
   * Chooses a reaction, or takes it back if it is the chosen one. Resolves when the server has it, however long that
   * takes; rejects with a refusal.
   *
   * @param {string} key
   */
  async function react(key) {
    const wish = wishFor(self.state, key);
    set({ wish });
    setTimeout(() => set({ late: !!self.state.wish }), PATIENCE);
    // Kept from now on: the page may be left before there is an answer.
    remember({ unsent: { ...memory().unsent, [code]: wish.reaction } });
    await learn(bringAtLast);
    await self.choose(code, wish.reaction);
  }

  return self;
}
