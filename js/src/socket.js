/**
 * One socket per server for all stories of a page.
 *
 * It is an upgrade, never a need: what it cannot do, HTTP does. It opens while someone looks, closes for the back/forward
 * cache and after a minute in a hidden tab, and comes back by position, so that nothing is missed and nothing is
 * shown twice. After two opens that failed it falls silent and the stories are polled.
 *
 * @import {Ok, Refusal, Snapshot} from "./types"
 * @import {Discussion} from "./discussion"
 */
import { bring } from "./api.js";
import { backoff, mayReturn } from "./pace.js";

const PATIENCE = 8_000;
const HIDDEN = 60_000;
const POLL = 30_000;

/** @typedef {ReturnType<typeof openLine>} Line */

/** @type {Record<string, Line>} */
const lines = {};

/** @param {string} server an origin */
export const lineTo = (server) => (lines[server] ??= openLine(server));

let refs = 0;
/** A number no other message of this page has. */
export const nextRef = () => ++refs;

/** @param {string} server */
function openLine(server) {
  /** @type {Set<Discussion>} */
  const stories = new Set();
  /** @type {Map<number, (answer?: any) => void>} */
  const waiting = new Map();
  /** @type {WebSocket | null} */
  let socket = null;
  /** @type {AbortController | null} */
  let ears = null;
  let tries = 0;
  let worked = false;
  /** Not to be opened again: refused, forbidden by the page's policy, or too dear. */
  let away = false;
  let asleep = false;
  let timer = 0;
  let polling = 0;
  let nap = 0;

  const isOpen = () => socket?.readyState === 1;
  const send = (/** @type {object} */ message) => socket?.send(JSON.stringify(message));

  /** @param {Discussion} story */
  function join(story) {
    stories.add(story);
    if (!ears) listen();
    if (isOpen()) subscribe(story);
    else connect();
  }

  /** @param {Discussion} story */
  function leave(story) {
    if (!stories.delete(story)) return;
    if (isOpen()) send({ type: "unsubscribe", ref: nextRef(), story: story.code });
    story.live = false;
    if (stories.size) return;
    hangUp();
    clearTimeout(timer);
    clearInterval(polling);
    timer = polling = 0;
    ears?.abort();
    ears = null;
  }

  /**
   * Sends a message and waits for the answer with its `ref`.
   *
   * @param {{ref: number, [field: string]: unknown}} message
   * @returns {Promise<Ok | Refusal | Snapshot>} rejects when the socket closes or stays silent
   */
  const ask = (message) =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => lost(0), PATIENCE);
      waiting.set(message.ref, (answer) => {
        clearTimeout(patience);
        waiting.delete(message.ref);
        answer ? resolve(answer) : reject();
      });
      send(message);
    });

  function listen() {
    ears = new AbortController();
    const { signal } = ears;
    /** @type {(target: EventTarget, type: string, act: (event: any) => void) => void} */
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(document, "visibilitychange", look);
    on(window, "pagehide", rest);
    on(window, "pageshow", ({ persisted }) => persisted && wake());
    // Another network: what was blocked may be open now.
    on(window, "online", () => wake((tries = 0)));
    away ||= /** @type {any} */ (navigator).connection?.saveData;
    if (away) poll();
    look();
  }

  function look() {
    const { hidden } = document;
    clearTimeout(nap);
    if (hidden) nap = setTimeout(rest, HIDDEN);
    else wake();
    if (isOpen()) send({ type: "visible", ref: nextRef(), value: !hidden });
  }

  function rest() {
    asleep = true;
    hangUp();
  }

  function wake(failed = tries) {
    asleep = false;
    if (socket || (failed > 1 && !worked)) return;
    clearTimeout(timer);
    timer = 0;
    connect();
  }

  function connect() {
    if (socket || timer || away || asleep || !stories.size) return;
    try {
      socket = new WebSocket(server.replace(/^http/, "ws") + "/v1/live", "widget.v1");
    } catch {
      return lost(0);
    }
    const mine = socket;
    mine.onopen = () => {
      worked = true;
      clearInterval(polling);
      polling = 0;
      stories.forEach(subscribe);
      if (document.hidden) look();
    };
    mine.onmessage = ({ data }) => {
      if (mine === socket) hear(JSON.parse(data));
    };
    // What a policy blocks never closes in Chromium: there is only the error.
    mine.onerror = () => {
      if (mine === socket) lost(0);
    };
    mine.onclose = ({ code, reason }) => {
      if (mine === socket) lost(code, reason);
    };
  }

  /** @param {Discussion} story */
  async function subscribe(story) {
    const answer = await ask(story.subscription()).catch(() => null);
    if (!answer || !stories.has(story)) return;
    tries = 0;
    story.subscribed(answer);
  }

  /** @param {any} frame */
  function hear(frame) {
    const { type, ref, story } = frame;
    const give = waiting.get(ref);
    if (give) give(frame);
    else if (type === "goodbye") {
      hangUp();
      later(frame.retry_after_ms);
    } else if (story) {
      for (const each of stories) if (each.code === (story.code ?? story)) each.hear(frame);
    }
  }

  /** @param {number} code @param {string} [detail] what the server said about it */
  function lost(code, detail) {
    hangUp();
    if (!mayReturn(code)) {
      away = true;
      for (const story of [...stories]) story.refuse({ code: "refused", detail });
      return;
    }
    if (away || ++tries > 1) poll();
    // A socket that never worked is blocked, and trying again would only fill the console.
    if (worked || tries < 2) later(backoff(tries - 1));
  }

  function hangUp() {
    const old = socket;
    socket = null;
    old?.close();
    for (const story of stories) story.live = false;
    for (const give of [...waiting.values()]) give();
  }

  /** @param {number} delay in milliseconds */
  function later(delay) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      connect();
    }, delay);
  }

  /** Asks now and then instead, each page at a pace of its own. */
  function poll() {
    if (polling) return;
    for (const story of stories) story.alone();
    bring(server, "live").then(
      ({ blocked }) => blocked(server),
      () => {},
    );
    polling = setInterval(
      async () => {
        if (document.hidden || asleep) return;
        const answers = await Promise.all([...stories].map((each) => each.poll()));
        if (!polling) return;
        // Nothing answers: it is the server that was away, not the socket that is blocked.
        if (answers.includes(false)) tries = 0;
        else if (!tries) connect();
      },
      POLL * (0.8 + Math.random() * 0.4),
    );
  }

  return {
    join,
    leave,
    ask,
    /** Deeds go one after the other: the answer to the first names the reader of the next. @type {Promise<any>} */
    turn: Promise.resolve(),
  };
}
