/**
 * Lazy part `fallback`: changes for the stories of a page without a socket, as Server-Sent Events, else by polling.
 *
 * One stream carries all stories, while the page is visible: over HTTP/1.1 a browser opens six connections to a server, for
 * all its tabs. Two streams in a row that break at once or deliver nothing mean that a proxy keeps them back: the stories
 * are polled. Actions go over HTTP (`POST /v1/actions`) in both cases.
 *
 * @import {Discussion} from "../../discussion"
 */
import { backoff } from "../../backoff.js";
import { readStream } from "./stream.js";

/** Polling interval in milliseconds, ± 20 % at random so that pages do not poll in step. */
const POLL_INTERVAL_MS = 25_000;
/** Failed streams in a row after which the stories are polled. */
const MAX_FAILURES = 2;
/** Time in milliseconds that a socket gets before a stream is opened, after the server was away. */
const SOCKET_FIRST_MS = 8_000;
/** A socket is tried again after this many milliseconds, and when the page was hidden for `HIDDEN_MS`. */
const SOCKET_RETRY_MS = 600_000;
const HIDDEN_MS = 60_000;

/**
 * Bring changes to the stories that are not live. Resolves when all are live.
 *
 * @param {string} server an origin
 * @param {Set<Discussion>} stories
 * @param {(tries: number) => void} retrySocket open a socket, as after this many failures
 * @returns {Promise<void>}
 */
export async function startFallback(server, stories, retrySocket) {
  let serverDown = false;
  let failures = 0;
  /** Whether any stream brought every story: one that is cut later is tried again with each poll. */
  let worked = false;
  let lastTry = Date.now();
  /** When the page was found hidden; 0 while it is visible. */
  let hiddenAt = 0;
  /** Stories that may not be read without their tokens. @type {Set<Discussion>} */
  const refused = new Set();

  const notLive = () => [...stories].filter((each) => !each.live);

  /** Load the live part first: it contains `poll`. @param {Discussion} story */
  const poll = (story) => story.loadLivePart().then(() => story.poll(), () => false);

  /** @param {number} tries */
  function trySocket(tries) {
    lastTry = Date.now();
    failures = 0;
    retrySocket(tries);
  }

  /** Return the stories that a stream carries now. */
  function streamed() {
    const all = notLive();
    const saves = /** @type {any} */ (navigator)["connection"]?.saveData;
    // If a story has a socket, the subscriptions of the others failed for reasons of their own.
    if (document.hidden || saves || all.length < stories.size) return [];
    return all.filter((each) => each.state.story && !refused.has(each));
  }

  /** Keep a stream open until there can be none. */
  async function stream() {
    for (;;) {
      const carried = streamed();
      if (!carried[0] || (failures >= MAX_FAILURES && !worked)) return;
      const isWanted = () => {
        if (Date.now() - lastTry > SOCKET_RETRY_MS) trySocket(1);
        const now = streamed();
        return now.length === carried.length && now.every((each) => carried.includes(each));
      };
      const { changed, began, proven, retryMs } = await readStream(server, carried, isWanted, (story) => refused.add(story));
      worked ||= began || proven;
      if (changed) continue;
      if (retryMs === undefined) failures = proven ? 1 : failures + 1;
      if (failures >= MAX_FAILURES) return;
      await pause(retryMs ?? backoff(failures - 1));
    }
  }

  for (;;) {
    const all = notLive();
    if (!all[0]) return;
    const now = Date.now();
    if (document.hidden) hiddenAt ||= now;
    else {
      if ((hiddenAt && now - hiddenAt > HIDDEN_MS) || now - lastTry > SOCKET_RETRY_MS) trySocket(1);
      hiddenAt = 0;
      const answers = await Promise.all(all.map(poll));
      const wasDown = serverDown;
      serverDown = answers.includes(false);
      if (!serverDown) {
        if (wasDown) {
          trySocket(0);
          await pause(SOCKET_FIRST_MS);
        }
        await stream();
      }
    }
    if ((await pause(POLL_INTERVAL_MS * (0.8 + Math.random() * 0.4))) === "online") failures = 0;
  }
}

/**
 * Wait, at most until the page is shown or hidden or the browser is online again.
 *
 * @param {number} ms
 * @returns {Promise<string | undefined>} the type of the event that ended it
 */
const pause = (ms) =>
  new Promise((resolve) => {
    const control = new AbortController();
    const { signal } = control;
    /** @param {Event} [event] */
    const proceed = (event) => {
      clearTimeout(timer);
      control.abort();
      resolve(event?.type);
    };
    const timer = setTimeout(proceed, ms);
    document.addEventListener("visibilitychange", proceed, { signal });
    addEventListener("online", proceed, { signal });
  });
