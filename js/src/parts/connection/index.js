/**
 * The part that opens sockets: one for each group of stories.
 *
 * It is an upgrade, never a need: what it cannot do, HTTP does. It opens while someone looks, closes for the back/forward
 * cache and after a minute in a hidden tab, and comes back by position, so that nothing is missed and nothing is
 * shown twice. After two opens that failed it falls silent and the stories are polled; so is one whose subscription the
 * server does not take, for a reason that is not the token.
 *
 * A connection can die without a word, and of the server's pings a browser tells nothing: when nothing was heard for a
 * while, and when the page is seen again, the server is asked for a sign of life.
 *
 * @import {Connection, Ok, ErrorMessage, Snapshot} from "../../types"
 * @import {Discussion} from "../../discussion"
 */
import { json } from "../../storage.js";
import { backoff, shouldReconnect } from "../../backoff.js";
import { startPolling } from "./poll.js";
import { createReceiver } from "./receiver.js";

export { complete } from "./complete.js";

/** SHA-256 of the other parts of this build, by name: what the first file checks them by. */
export const HASHES = OTHERS;

const TIMEOUT_MS = 8_000;
const HIDDEN_MS = 60_000;
/** How long a sign of life may take. */
const PONG_TIMEOUT_MS = 6_000;
/** After so many beats without a word one is asked for. Each page has a beat of its own, so that not all ask in step. */
const CHECK_INTERVAL_MS = 8_000;
const MAX_SILENT_CHECKS = 6;

/** Stories of a socket, as the server has it. */
const MAX_STORIES = 50;

/** Those of this page: stories of one server share a socket. @type {Connection[]} */
const connections = [];

let refs = 0;
/** A number no other message of this page has. */
const nextRef = () => ++refs;

/** Subscribes a story, on a connection that has room for it. @param {Discussion} story @param {string} server an origin */
export function joinConnection(story, server) {
  if (!story.receive) Object.assign(story, createReceiver(story));
  if (!story.connection?.stories.has(story)) {
    story.connection =
      connections.find((each) => each.server === server && each.stories.size < MAX_STORIES) ??
      /** @type {Connection} */ (connections[connections.push(createConnection(server)) - 1]);
  }
  story.connection.join(story);
}

/** @param {string} server @returns {Connection} */
function createConnection(server) {
  /** @type {Set<Discussion>} */
  const stories = new Set();
  /** @type {Map<number, (answer?: any) => void>} */
  const pendingReplies = new Map();
  /** @type {WebSocket | null} */
  let socket = null;
  /** Opens that failed since the last one that worked. */
  let tries = 0;
  /** Whether it ever brought a story. */
  let worked = false;
  /** Not to be opened again: refused, or too dear. */
  let disabled = /** @type {any} */ (navigator)["connection"]?.saveData;
  let timer = 0;
  let hiddenTimer = 0;
  let pongTimer = 0;
  /** Beats since something was heard. */
  let silentChecks = 0;
  /** Until all are live. @type {Promise<void> | null} */
  let polling = null;

  const isOpen = () => socket?.readyState === 1;
  const send = (/** @type {object} */ message) => isOpen() && socket?.send(json(message));
  // A socket that never worked is blocked, and trying again would only fill the console.
  const canRetry = () => worked || tries < 2;

  /** @param {Discussion} story */
  function join(story) {
    stories.add(story);
    if (disabled) poll();
    if (isOpen()) return subscribe(story);
    connect();
    onVisibilityChange();
  }

  /** @param {Discussion} story */
  function leave(story) {
    if (!stories.delete(story)) return;
    send({ type: "unsubscribe", ref: nextRef(), story: story.code });
    story.live = false;
    if (!stories.size) disconnect();
  }

  /**
   * Sends a message and waits for the answer with its `ref`.
   *
   * @param {{ref: number, [field: string]: unknown}} message
   * @returns {Promise<Ok | ErrorMessage | Snapshot>} rejects when the socket closes or stays silent
   */
  const request = (message) =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => onClose(0), TIMEOUT_MS);
      pendingReplies.set(message.ref, (answer) => {
        clearTimeout(patience);
        pendingReplies.delete(message.ref);
        answer ? resolve(answer) : reject();
      });
      send(message);
    });

  function onVisibilityChange() {
    const { hidden } = document;
    clearTimeout(hiddenTimer);
    if (hidden) hiddenTimer = setTimeout(disconnect, HIDDEN_MS);
    else if (canRetry()) scheduleConnect(0);
    send({ type: "visible", ref: nextRef(), value: !hidden });
    if (hidden || !isOpen()) return;
    clearTimeout(pongTimer);
    silentChecks = MAX_SILENT_CHECKS;
    pongTimer = setTimeout(() => {
      if (silentChecks < MAX_SILENT_CHECKS) return;
      onClose(0);
      scheduleConnect(0);
    }, PONG_TIMEOUT_MS);
  }
  // A hidden page sends nothing: it looks when it is seen.
  setInterval(() => ++silentChecks < MAX_SILENT_CHECKS || document.hidden || !isOpen() || onVisibilityChange(), CHECK_INTERVAL_MS);

  function connect() {
    if (socket || timer || disabled || !stories.size) return;
    try {
      socket = new WebSocket(server.replace(/^http/, "ws") + "/v1/live", "widget.v1");
    } catch {
      return onClose(0);
    }
    const mine = socket;
    mine.onopen = () => {
      if (mine !== socket) return mine.close();
      silentChecks = 0;
      stories.forEach(subscribe);
      if (document.hidden) onVisibilityChange();
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      silentChecks = 0;
      receive(JSON.parse(data));
    };
    // What a policy blocks never closes in Chromium: there is only the error.
    mine.onerror = mine.onclose = (/** @type {any} */ { code = 0, reason }) => {
      if (mine === socket) onClose(code, reason);
    };
  }

  /** The message that joins the live discussion. @param {Discussion} story */
  function subscription(story) {
    const { code, token, identity, spent, state } = story;
    const page = location.origin + location.pathname;
    const lang = document.documentElement.lang.replace(/_/g, "-");
    story.requestedReader = story.storage().reader;
    return {
      type: "subscribe",
      ref: nextRef(),
      [token ? "token" : "story"]: token || code,
      reader: story.requestedReader,
      identity: identity === spent ? undefined : identity,
      since: state.position,
      // What the server would not take is left out.
      page: /^http.{1,1996}$/.test(page) ? page : undefined,
      lang: /^[a-z]{2,8}(-[a-z\d]{1,8})*$/i.test(lang) ? lang : undefined,
    };
  }

  /** @param {Discussion} story */
  async function subscribe(story) {
    const answer = await request(subscription(story)).catch(() => null);
    if (!answer || !stories.has(story)) return;
    story.subscribed(answer);
    if (story.live) {
      tries = 0;
      worked = true;
    } else if (stories.has(story)) poll();
  }

  /** @param {any} frame */
  function receive(frame) {
    const { type, ref, story } = frame;
    const give = pendingReplies.get(ref);
    if (give) give(frame);
    else if (type === "goodbye") {
      disconnect();
      scheduleConnect(frame.retry_after_ms);
    } else if (story) {
      for (const each of stories) if (each.code === (story.code ?? story)) each.receive(frame);
    }
  }

  /** @param {number} code @param {string} [detail] what the server said about it */
  function onClose(code, detail) {
    disconnect();
    if (!shouldReconnect(code)) {
      disabled = true;
      for (const story of [...stories]) story.fail({ code: "refused", detail });
      return;
    }
    if (disabled || ++tries > 1) poll();
    if (canRetry()) scheduleConnect(backoff(tries - 1));
  }

  /** Until someone connects again. */
  function disconnect() {
    clearTimeout(timer);
    clearTimeout(pongTimer);
    timer = 0;
    // One that is only about to open closes when it has: before that, browsers complain.
    if (isOpen()) socket?.close();
    socket = null;
    for (const story of stories) story.live = false;
    for (const give of [...pendingReplies.values()]) give();
  }

  /** @param {number} delay in milliseconds */
  function scheduleConnect(delay) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      connect();
    }, delay);
  }

  /** Asks now and then for those that are not live. */
  function poll() {
    for (const story of stories) story.onUnreachable();
    polling ??= startPolling(server, stories, retryNow).then(() => {
      polling = null;
    });
  }

  /** What was blocked, or away, may be there now. */
  function retryNow() {
    tries = 0;
    onVisibilityChange();
  }

  document.addEventListener("visibilitychange", onVisibilityChange);
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", onVisibilityChange);
  addEventListener("online", retryNow);

  return {
    server,
    stories,
    join,
    leave,
    request,
    nextRef,
    actionChain: Promise.resolve(),
  };
}
