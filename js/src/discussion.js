/**
 * One story on this page: its state, its subscribers, and the functions that change the state.
 *
 * @import {StateEvent, DiscussionApi, ServerMessage, State} from "./types"
 */
import { request, now } from "./api.js";
import { json, writeStorage, storageKey, readStorage } from "./storage.js";
import { backoff } from "./backoff.js";
import { importPart, importPartWithRetry } from "./parts.js";
import { INITIAL_STATE, applySnapshot, newerTally, reduce, installCommentReducer, optimisticReaction } from "./state.js";

/** Error codes that end the whole discussion on this page, not only one action. */
const FATAL = /not_|token_/;

/** Time in milliseconds without a reply after which a reaction is shown as not sent. */
const LATE_AFTER_MS = 2_000;

/** @typedef {ReturnType<typeof createDiscussion>} Discussion */

/** @type {Record<string, Discussion>} */
const discussions = {};

/**
 * Return the discussion of story `code` on `server`: one object, shared by all widgets of the page.
 *
 * @param {string} server
 * @param {string} code
 * @param {string | null} token
 * @param {string | null} identity
 * @param {string} lang
 */
export function getDiscussion(server, code, token, identity, lang) {
  const found = (discussions[server + code] ??= createDiscussion(server, code));
  found.langs.add(lang);
  // The newest token and identity apply: the page may have replaced rejected ones.
  return Object.assign(found, { token, identity });
}

/**
 * @param {string} server
 * @param {string} code
 */
function createDiscussion(server, code) {
  /** @type {Set<(state: State) => void>} */
  const subscribers = new Set();
  let tries = 0;
  let timer = 0;

  const self = {
    server,
    code,
    state: INITIAL_STATE,
    /** Languages of the copies on this page, without their regions. @type {Set<string>} */
    langs: new Set(),
    /** The identity token already sent: it is valid once. */
    spent: /** @type {string | null} */ (null),
    load,
    subscribe,
    dispatch,
    loadLivePart,
    onUnreachable,
    set,
    react,
    storage,
    saveToStorage,
    now,
    // Added by `getDiscussion`, the part `connection` and the live part (`createActions`).
    .../** @type {DiscussionApi} */ ({}),
  };

  /** @param {string} [site] */
  function storage(site = self.state.story?.site) {
    return readStorage(storageKey(server, site));
  }

  /** Save fields in the reader's browser. @param {import("./storage").ReaderStorage} changes */
  function saveToStorage(changes) {
    writeStorage(storageKey(server, self.state.story?.site), changes);
  }

  /**
   * Call `draw` now and after every change, until the returned function is called.
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
      stopWaiting();
      self.connection?.leave(self);
    };
  }

  /** Apply an event. False if that needs the live part, which is not loaded. @param {ServerMessage | StateEvent} event */
  function dispatch(event) {
    const state = reduce(self.state, event);
    if (!state || state === self.state) return !!state;
    const { story } = self.state;
    self.state = state;
    if (!story && state.story) {
      const { muted } = storage();
      if (muted) set({ muted });
    }
    for (const draw of [...subscribers]) draw(self.state);
    return true;
  }

  /** Load the live part: it adds the actions and the reducer for comments. */
  async function loadLivePart(get = importPart) {
    /** @type {typeof import("./parts/live/index")} */
    const live = await get(server, "live");
    installCommentReducer(live.createReducer({ applySnapshot, newerTally }));
    if (!self.mutate) Object.assign(self, live.createActions(self, server, { request, json, optimisticReaction, reduce }));
  }

  /** @param {Partial<State>} change */
  function set(change) {
    dispatch({ type: "set", change });
  }

  /**
   * Request the story's snapshot as this copy shows it: the end of a token names its copies, nothing those of the bare code.
   *
   * @param {string} [since] `&since=` and a position, for what changed after it
   * @returns {Promise<any>}
   */
  function load(since = "") {
    return request(`${server}/v1/stories/${code}?copy=${(self.token ?? "").slice(-9)}${since}`);
  }

  function stopWaiting() {
    clearTimeout(timer);
    removeEventListener("online", start);
  }

  async function start() {
    stopWaiting();
    try {
      if (!self.state.story) {
        const snapshot = await load();
        // Show the stored reaction at the first paint; the socket confirms it later.
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
      // A story that was never shown, or needs a token, is loaded by the subscription with that token.
      if (!self.token) return set({ error: /** @type {any} */ (problem) });
    }
    if (!subscribers.size) return;
    const { joinConnection } = await importPartWithRetry(server, "connection");
    if (subscribers.size) joinConnection(self, server, { importPartWithRetry, json, backoff });
  }

  /** The server is unreachable: show the error unless a snapshot is already drawn. */
  function onUnreachable() {
    if (!self.state.story) set({ error: { code: "unavailable" } });
  }

  /**
   * Choose a reaction, or remove it if it is the chosen one. Resolves when the server has stored it, after retries if
   * necessary; rejects with the server's error.
   *
   * @param {string} key
   */
  async function react(key) {
    const optimistic = optimisticReaction(self.state, key);
    set({ optimistic });
    setTimeout(() => set({ late: !!self.state.optimistic }), LATE_AFTER_MS);
    // Save before sending: the page may be left before the reply arrives.
    saveToStorage({ unsent: { ...storage().unsent, [code]: optimistic.reaction } });
    await loadLivePart(importPartWithRetry);
    await self.setReaction(code, optimistic.reaction);
  }

  return self;
}
