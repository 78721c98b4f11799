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
import { bring } from "./parts.js";
import { backoff, mayReturn } from "./pace.js";

const PATIENCE = 8_000;
const HIDDEN = 60_000;

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
  /** Opens that failed since the last one that worked. */
  let tries = 0;
  let worked = false;
  /** Not to be opened again: refused, or too dear. */
  let away = /** @type {any} */ (navigator).connection?.saveData;
  let timer = 0;
  let nap = 0;
  /** What ends the polling. @type {Promise<() => void> | null} */
  let polling = null;

  const isOpen = () => socket?.readyState === 1;
  const send = (/** @type {object} */ message) => isOpen() && socket?.send(JSON.stringify(message));
  // A socket that never worked is blocked, and trying again would only fill the console.
  const hopeful = () => worked || tries < 2;

  /** @param {Discussion} story */
  function join(story) {
    stories.add(story);
    if (away) poll();
    if (isOpen()) subscribe(story);
    connect();
    look();
  }

  /** @param {Discussion} story */
  function leave(story) {
    if (!stories.delete(story)) return;
    send({ type: "unsubscribe", ref: nextRef(), story: story.code });
    story.live = false;
    if (stories.size) return;
    hangUp();
    quiet();
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

  function look() {
    const { hidden } = document;
    clearTimeout(nap);
    if (hidden) nap = setTimeout(hangUp, HIDDEN);
    else if (hopeful()) later(0);
    send({ type: "visible", ref: nextRef(), value: !hidden });
  }

  function connect() {
    if (socket || timer || away || !stories.size) return;
    try {
      socket = new WebSocket(server.replace(/^http/, "ws") + "/v1/live", "widget.v1");
    } catch {
      return lost(0);
    }
    const mine = socket;
    mine.onopen = () => {
      if (mine !== socket) return mine.close();
      worked = true;
      quiet();
      stories.forEach(subscribe);
      if (document.hidden) look();
    };
    mine.onmessage = ({ data }) => {
      if (mine === socket) hear(JSON.parse(data));
    };
    // What a policy blocks never closes in Chromium: there is only the error.
    mine.onerror = mine.onclose = (/** @type {any} */ { code = 0, reason }) => {
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
    if (hopeful()) later(backoff(tries - 1));
  }

  /** Until somebody connects again. */
  function hangUp() {
    clearTimeout(timer);
    timer = 0;
    // One that is only about to open closes when it has: before that, browsers complain.
    if (isOpen()) socket?.close();
    socket = null;
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

  /** Asks now and then instead. */
  function poll() {
    for (const story of stories) story.alone();
    polling ??= bring(server, "live").then(
      (live) =>
        live.askAgain(server, stories, {
          /** The server was away, and now it answers. */
          back() {
            tries = 0;
            connect();
          },
        }),
      () => {
        // Neither a socket nor a file: it is the server that is away.
        later(backoff(tries));
        polling = null;
        return () => {};
      },
    );
  }

  /** No more polling. */
  function quiet() {
    polling?.then((end) => end());
    polling = null;
  }

  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", hangUp);
  addEventListener("pageshow", look);
  // Another network: what was blocked may be open now.
  addEventListener("online", () => {
    tries = 0;
    look();
  });

  return {
    join,
    leave,
    ask,
    /** Deeds go one after the other: the answer to the first names the reader of the next. @type {Promise<any>} */
    turn: Promise.resolve(),
  };
}
