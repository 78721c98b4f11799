/**
 * One story on this page: its state, and everything that changes it.
 *
 * @import {StateEvent, DiscussionApi, ServerMessage, State} from "./types"
 */
import { request, now } from "./api.js";
import { json, writeStorage, storageKey, readStorage } from "./storage.js";
import { backoff } from "./backoff.js";
import { importPart, importPartWithRetry } from "./parts.js";
import { INITIAL_STATE, applySnapshot, newerTally, reduce, installCommentReducer, optimisticReaction } from "./state.js";

/** Refusals of a whole copy, not of one action. */
const FATAL = /not_|token_/;

/** How long an answer may take before the reader is told that there is none, in milliseconds. */
const PATIENCE = 2_000;

/** @typedef {ReturnType<typeof createDiscussion>} Discussion */

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
export function getDiscussion(server, code, token, identity) {
  const found = (discussions[server + code] ??= createDiscussion(server, code));
  // The latest pass holds: a page may have replaced one that was refused.
  return Object.assign(found, { token, identity });
}

/**
 * @param {string} server
 * @param {string} code
 */
function createDiscussion(server, code) {
  /** @type {Set<(state: State) => void>} */
  const subscribers = new Set();
  /** Messages that need the live part, and all that arrived after them. @type {(ServerMessage | StateEvent)[]} */
  const deferred = [];
  let tries = 0;
  let timer = 0;

  const self = {
    code,
    token: /** @type {string | null} */ (null),
    identity: /** @type {string | null} */ (null),
    state: INITIAL_STATE,
    /** The identity that was shown: it is good once. */
    spent: /** @type {string | null} */ (null),
    subscribe,
    dispatch,
    loadLivePart,
    fail,
    onUnreachable,
    set,
    react,
    storage,
    saveToStorage,
    now,
    // What is there when it has learnt.
    .../** @type {DiscussionApi} */ ({}),
  };

  /** @param {string} [site] */
  function storage(site = self.state.story?.site) {
    return readStorage(storageKey(server, site));
  }

  /** Keeps it in the reader's browser. @param {import("./storage").ReaderStorage} news */
  function saveToStorage(news) {
    writeStorage(storageKey(server, self.state.story?.site), news);
  }

  /**
   * Calls `draw` at every change until the returned function is called.
   *
   * @param {(state: State) => void} draw
   */
  function subscribe(draw) {
    subscribers.add(draw);
    draw(self.state);
    if (subscribers.size === 1) start();
    return () => {
      subscribers.delete(draw);
      if (subscribers.size) return;
      clearTimeout(timer);
      removeEventListener("online", start);
      self.connection?.leave(self);
    };
  }

  /** @param {ServerMessage | StateEvent} event */
  function dispatch(event) {
    // What came before it comes first; what the reader does is shown at once.
    const state = deferred[0] && event.type !== "set" ? null : reduce(self.state, event);
    if (!state && deferred.push(event) < 2) catchUp();
    if (!state || state === self.state) return;
    const { story } = self.state;
    self.state = state;
    if (!story && state.story) {
      const { muted } = storage();
      if (muted) set({ muted });
    }
    for (const draw of [...subscribers]) draw(self.state);
  }

  async function catchUp() {
    await loadLivePart(importPartWithRetry);
    deferred.splice(0).forEach(dispatch);
  }

  /** Fetches what it takes to act, and what knows how a list of comments changes. */
  async function loadLivePart(get = importPart) {
    /** @type {typeof import("./parts/live/index")} */
    const live = await get(server, "live");
    installCommentReducer(live.createReducer({ applySnapshot, newerTally }));
    if (!self.mutate) Object.assign(self, live.createActions(self, server, { request, json, storageKey, optimisticReaction }));
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
        const snapshot = await request(`${server}/v1/stories/${code}`);
        // Marked at the first paint; the socket's word comes later.
        const { reactions } = storage(snapshot.story.site);
        dispatch({ ...snapshot, mine: { reaction: reactions?.[code] ?? null } });
      }
    } catch (problem) {
      if (!subscribers.size) return;
      if (!FATAL.test(/** @type {any} */ (problem).code)) {
        onUnreachable();
        timer = setTimeout(start, 2_000 + backoff(tries++));
        return addEventListener("online", start);
      }
      // What no one has shown yet, or may read without a token, comes by the token that subscribes to it.
      if (!self.token) return fail(/** @type {any} */ (problem));
    }
    if (!subscribers.size) return;
    const { joinConnection } = await importPartWithRetry(server, "connection");
    if (subscribers.size) joinConnection(self, server);
  }

  /** This copy is not welcome. @param {import("./types").DisplayError} trouble */
  async function fail(trouble) {
    // At once: what is refused is not asked for again meanwhile.
    self.connection?.leave(self);
    if (!(await loadLivePart().then(() => self.onPersonalAnswer(trouble), () => {}))) set({ error: trouble });
  }

  /** There will be no answer soon: say so if there is nothing to show. */
  function onUnreachable() {
    if (!self.state.story) set({ error: { code: "unavailable" } });
  }

  /**
   * Chooses a reaction, or takes it back if it is the chosen one. Resolves when the server has it, however long that
   * takes; rejects with a refusal.
   *
   * @param {string} key
   */
  async function react(key) {
    const wish = optimisticReaction(self.state, key);
    set({ optimistic: wish });
    setTimeout(() => set({ late: !!self.state.optimistic }), PATIENCE);
    // Kept from now on: the page may be left before there is an answer.
    saveToStorage({ unsent: { ...storage().unsent, [code]: wish.reaction } });
    await loadLivePart(importPartWithRetry);
    await self.setReaction(code, wish.reaction);
  }

  return self;
}
