/**
 * Lazy part `connection`: one WebSocket for each group of stories.
 *
 * The socket is optional: without it everything works over HTTP. It is open while the page is visible. It closes for the
 * back/forward cache and after a minute in a hidden tab, and resumes from the last position, so that no message is
 * missed or applied twice. After two failed opens the part `fallback` brings the changes, over another way of HTTP, and tries a
 * socket now and then. It also brings those of a story whose subscription fails for a reason other than its token.
 *
 * A connection can break without a `close` event, and browsers do not report the server's pings. The page therefore sends a
 * message that needs a reply after a period without messages, and whenever it becomes visible.
 *
 * @import {Connection, Ok, ErrorMessage, Snapshot} from "../../types"
 * @import {Discussion} from "../../discussion"
 */
import { shouldReconnect } from "../../backoff.js";
import { createReceiver } from "./receiver.js";

export { complete } from "./complete.js";

/** SHA-256 of the other parts of this build, by name. The first file checks the parts against it. */
export const HASHES = OTHERS;

/** A message without a reply for this long means that the connection is dead. */
const TIMEOUT_MS = 8_000;
/** A hidden page disconnects after this long. */
const HIDDEN_MS = 60_000;
/** Time for the reply to a liveness check. */
const PONG_TIMEOUT_MS = 6_000;
/** Interval of the check counter. After `MAX_SILENT_CHECKS` intervals without a message the server is asked for a reply. */
const CHECK_INTERVAL_MS = 8_000;
const MAX_SILENT_CHECKS = 6;

/** Stories per socket: the server's limit. */
const MAX_STORIES = 50;

/** The connections of this page. Stories of one server share a socket. @type {Connection[]} */
const connections = [];

let lastRef = 0;
/** Return a message number that is unique in this page. */
const nextRef = () => ++lastRef;

/**
 * Functions of the first file, passed in so that this part needs no copies. `importPartWithRetry` loads a part until it is there.
 *
 * @typedef {Pick<typeof import("../../parts"), "importPartWithRetry">
 *   & Pick<typeof import("../../storage"), "json">
 *   & Pick<typeof import("../../backoff"), "backoff">} Base
 */

/**
 * Subscribe a story on a connection with room for one more.
 *
 * @param {Discussion} story
 * @param {string} server an origin
 * @param {Base} base
 */
export function joinConnection(story, server, base) {
  if (!story.receive) Object.assign(story, createReceiver(story, base.importPartWithRetry));
  if (!story.connection?.stories.has(story)) {
    story.connection =
      connections.find((each) => each.server === server && each.stories.size < MAX_STORIES) ??
      /** @type {Connection} */ (connections[connections.push(createConnection(server, base)) - 1]);
  }
  story.connection.join(story);
}

/** Create the socket handling for a group of stories. @param {string} server an origin @param {Base} base @returns {Connection} */
function createConnection(server, { importPartWithRetry, json, backoff }) {
  /** @type {Set<Discussion>} */
  const stories = new Set();
  /** @type {Map<number, (answer?: any) => void>} */
  const pendingReplies = new Map();
  /** @type {WebSocket | null} */
  let socket = null;
  /** Failed opens since the last subscription that succeeded. */
  let tries = 0;
  /** Whether any subscription ever succeeded. */
  let everSubscribed = false;
  /** Whether no socket may be opened: rejected by the server, or the browser saves data. */
  let disabled = /** @type {any} */ (navigator)["connection"]?.saveData;
  let timer = 0;
  let hiddenTimer = 0;
  let pongTimer = 0;
  /** Check intervals since the last message. */
  let silentChecks = 0;
  /** Set while the part `fallback` brings changes. @type {Promise<void> | null} */
  let fallback = null;

  const isOpen = () => socket?.readyState === 1;
  const send = (/** @type {object} */ message) => isOpen() && socket?.send(json(message));
  // A socket that never subscribed is probably blocked: retries would only log errors to the console.
  const canRetry = () => everSubscribed || tries < 2;

  /** @param {Discussion} story */
  function join(story) {
    stories.add(story);
    if (disabled) fallBack();
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
   * Send a message and wait for the reply with its `ref`.
   *
   * @param {{ref: number, [field: string]: unknown}} message
   * @returns {Promise<Ok | ErrorMessage | Snapshot>} rejects if the socket closes or the reply times out
   */
  const request = (message) =>
    new Promise((done, reject) => {
      const timeout = setTimeout(() => onClose(0), TIMEOUT_MS);
      pendingReplies.set(message.ref, (answer) => {
        clearTimeout(timeout);
        pendingReplies.delete(message.ref);
        answer ? done(answer) : reject();
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
  // A hidden page sends nothing: it checks when it becomes visible.
  setInterval(() => ++silentChecks < MAX_SILENT_CHECKS || document.hidden || !isOpen() || onVisibilityChange(), CHECK_INTERVAL_MS);

  function connect() {
    if (socket || timer || disabled || !stories.size) return;
    try {
      socket = new WebSocket(server.replace(/^http/, "ws") + "/v1/live", "widget.v1");
    } catch {
      return onClose(0);
    }
    const current = socket;
    current.onopen = () => {
      if (current !== socket) return current.close();
      silentChecks = 0;
      stories.forEach(subscribe);
      if (document.hidden) onVisibilityChange();
    };
    current.onmessage = ({ data }) => {
      if (current !== socket) return;
      silentChecks = 0;
      receive(JSON.parse(data));
    };
    // Chromium fires only `error`, not `close`, if a Content-Security-Policy blocks the socket.
    current.onerror = current.onclose = (/** @type {any} */ { code = 0, reason }) => {
      if (current === socket) onClose(code, reason);
    };
  }

  /** Return the `subscribe` message of a story. @param {Discussion} story */
  function subscription(story) {
    const { code, token, identity, spent, state } = story;
    const page = location.origin + location.pathname;
    // The language of the copy, which may be another one than that of the page around it.
    const widget = document.querySelector(`story-widget[src*="/${code}"]`) ?? document.documentElement;
    const lang = /** @type {HTMLElement | null} */ (widget.closest("[lang]"))?.lang.replace(/_/g, "-");
    story.requestedReader = story.storage().reader;
    return {
      type: "subscribe",
      ref: nextRef(),
      [token ? "token" : "story"]: token || code,
      reader: story.requestedReader,
      identity: identity === spent ? undefined : identity,
      since: state.position,
      page: /^http.{1,1996}$/.test(page) ? page : undefined,
      // The server drops what is no language tag.
      lang,
    };
  }

  /** @param {Discussion} story */
  async function subscribe(story) {
    const answer = await request(subscription(story)).catch(() => null);
    if (!answer || !stories.has(story)) return;
    story.subscribed(answer);
    if (story.live) {
      tries = 0;
      everSubscribed = true;
    } else if (stories.has(story)) fallBack();
  }

  /** @param {any} message */
  function receive(message) {
    const { type, ref, story } = message;
    const resolve = pendingReplies.get(ref);
    if (resolve) resolve(message);
    else if (type === "goodbye") {
      disconnect();
      scheduleConnect(message.retry_after_ms);
    } else if (story) {
      for (const each of stories) if (each.code === (story.code ?? story)) each.receive(message);
    }
  }

  /** @param {number} code @param {string} [detail] the server's reason */
  function onClose(code, detail) {
    disconnect();
    if (!shouldReconnect(code)) {
      disabled = true;
      for (const story of [...stories]) story.fail({ code: "refused", detail });
      return;
    }
    if (disabled || ++tries > 1) fallBack();
    if (canRetry()) scheduleConnect(backoff(tries - 1));
    // Tells the page's owner if a policy blocks the socket.
    else importPartWithRetry(server, "navigation").then((part) => part.reportBlockedSocket(server), () => {});
  }

  /** Close the socket. `connect` may open a new one later. */
  function disconnect() {
    clearTimeout(timer);
    clearTimeout(pongTimer);
    timer = 0;
    // A connecting socket is closed in `onopen`: closing it earlier logs an error in browsers.
    if (isOpen()) socket?.close();
    socket = null;
    for (const story of stories) story.live = false;
    for (const resolve of [...pendingReplies.values()]) resolve();
  }

  /** @param {number} delay in milliseconds */
  function scheduleConnect(delay) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      connect();
    }, delay);
  }

  /** Bring changes to the stories that are not live. */
  function fallBack() {
    for (const story of stories) story.onUnreachable();
    fallback ??= importPartWithRetry(server, "fallback")
      .then(({ startFallback }) => startFallback(server, stories, retryNow))
      .then(() => {
        fallback = null;
      });
  }

  /** Try sockets again, as after `failed` failures: the network or the server may be back. */
  function retryNow(failed = 0) {
    tries = failed;
    onVisibilityChange();
  }

  document.addEventListener("visibilitychange", onVisibilityChange);
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", onVisibilityChange);
  addEventListener("online", () => retryNow());

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
