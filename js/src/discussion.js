/**
 * One story on this page: its state, and everything that changes it.
 *
 * @import {Act, Frame, Ok, Refusal, Snapshot, State, Tally} from "./types"
 */
import { ask, bring, getPart, getStory } from "./api.js";
import { recall, remember } from "./memory.js";
import { backoff } from "./pace.js";
import { lineTo, nextRef } from "./socket.js";
import { EMPTY, arrive, choice, newest, reduce, teach, wishFor } from "./state.js";

/** Refusals of a whole copy, not of one deed. */
const FATAL = /not_|token_/;

/** How long to wait before a part is asked for again, in milliseconds. */
const AGAIN = 5_000;

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
  const line = lineTo(server);
  /** @type {Set<(state: State) => void>} */
  const watchers = new Set();
  /** Frames that came while a comment of ours was on its way: one of them may be it. @type {(Frame | Act)[]} */
  let held = [];
  let holding = 0;
  /** @type {ReturnType<typeof import("./live/act").actFor> | undefined} */
  let act;
  /** @type {string | undefined} */
  let asked;
  let tries = 0;
  let timer = 0;

  const self = {
    code,
    token: /** @type {string | null} */ (null),
    identity: /** @type {string | null} */ (null),
    state: EMPTY,
    /** Whether the socket takes deeds. */
    live: false,
    watch,
    dispatch,
    learn,
    subscription,
    subscribed,
    hear,
    refuse,
    alone,
    poll,
    set,
    /** More of the discussion. */
    get: (/** @type {string} after the story's own path */ path) => getPart(server, code, path),
    react,
    perform,
    hold,
    memory: () => recall(server, self.state.story?.site),
    remember: (/** @type {import("./memory").Memory | null} */ news) =>
      remember(server, self.state.story?.site, news),
    /** Begins anew, as somebody else. */
    rejoin() {
      line.leave(self);
      line.join(self);
    },
  };

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
      line.leave(self);
    };
  }

  /** @param {Frame | Act} event */
  function dispatch(event) {
    const state = reduce(self.state, event);
    if (!state) {
      // All that comes after it waits as well.
      held.push(event);
      hold(() => learn().catch(() => new Promise((resolve) => setTimeout(resolve, AGAIN))));
    }
    if (!state || state === self.state) return;
    self.state = state;
    for (const draw of [...watchers]) draw(state);
  }

  /** Fetches what it takes to act, and what knows how a list of comments changes. */
  async function learn() {
    /** @type {typeof import("./live/index")} */
    const live = await bring(server, "live");
    teach(live.changesOn({ arrive, newest }));
    act ??= live.actFor(self, line, server, { ask, keep, nextRef });
    return live;
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
        const snapshot = await getStory(server, code, null);
        // Marked at the first paint; the socket's word comes later.
        const { reactions, muted = [] } = recall(server, snapshot.story.site);
        set({ muted });
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
    if (watchers.size) line.join(self);
  }

  /** The message that joins the live discussion. */
  function subscription() {
    const { origin, pathname } = location;
    asked = self.memory().reader;
    return {
      type: "subscribe",
      ref: nextRef(),
      [self.token ? "token" : "story"]: self.token || code,
      reader: asked,
      identity: self.identity || undefined,
      since: self.state.position ?? undefined,
      page: /^http/.test(origin) ? origin + pathname : undefined,
      lang: document.documentElement.lang || undefined,
    };
  }

  /** @param {Snapshot | Refusal | Ok} answer */
  function subscribed(answer) {
    if (answer.type === "snapshot" && answer.story.code === code) {
      self.live = true;
      // Who acted meanwhile has become somebody, of whom this answer does not know.
      if (asked !== self.memory().reader) delete answer.mine;
      dispatch(answer);
      // An identity may be used once; from here on the reader token speaks for the person.
      if (answer.reader) self.identity = null;
      keep(answer);
    } else if (answer.type !== "error") refuse({ code: "token_invalid" });
    else if (FATAL.test(answer.code)) refuse(answer);
    else alone();
  }

  /** Who is told who they are stays so. @param {{reader?: string}} answer */
  function keep({ reader }) {
    if (reader) self.remember({ reader });
  }

  /** A frame from the socket. @param {Frame | Act} frame */
  function hear(frame) {
    if (holding) held.push(frame);
    else dispatch(frame);
  }

  /** This copy is not welcome. @param {{code: string, detail?: string}} why */
  function refuse({ code, detail }) {
    line.leave(self);
    set({ trouble: { code, detail } });
  }

  /** There will be no answer soon: say so if there is nothing to show. */
  function alone() {
    if (!self.state.story) set({ trouble: { code: "unavailable" } });
  }

  /** Asks for what changed. False if the server did not answer. */
  async function poll() {
    try {
      const news = await getStory(server, code, self.state.position);
      hear(news);
      news.tallies?.forEach(hear);
    } catch (problem) {
      return /** @type {any} */ (problem).status > 0;
    }
    return true;
  }

  /**
   * Chooses a reaction, or takes it back if it is the chosen one. Rejects with a refusal.
   *
   * @param {string} key
   */
  async function react(key) {
    const wish = wishFor(self.state, choice(self.state) === key ? null : key);
    const { reaction } = wish;
    set({ wish });
    try {
      const { tally } = await perform({ type: "react", reaction });
      dispatch({ type: "answered", wish, tally: /** @type {Tally} */ (tally) });
      self.remember({ reactions: { ...self.memory().reactions, [code]: reaction } });
    } catch (problem) {
      if (self.state.wish === wish) set({ wish: null });
      throw problem;
    }
  }

  /**
   * Sends a deed, by socket or by HTTP.
   *
   * @param {{type: string, [field: string]: unknown}} deed
   * @returns {Promise<Ok>} rejects with a refusal
   */
  async function perform(deed) {
    if (!act) await learn();
    return /** @type {NonNullable<typeof act>} */ (act)(deed);
  }

  /**
   * Keeps news back until `work` is done, which may bring the same news with more in it.
   *
   * @template T
   * @param {() => Promise<T>} work
   */
  async function hold(work) {
    holding++;
    try {
      return await work();
    } finally {
      if (!--holding) held.splice(0).forEach(hear);
    }
  }

  return self;
}
