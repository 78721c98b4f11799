/**
 * Polling over HTTP for stories without a socket.
 *
 * @import {Discussion} from "../../discussion"
 */
import { reportBlockedSocket } from "../../csp.js";

/** Polling interval in milliseconds, ± 20 % at random so that pages do not poll in step. */
const INTERVAL_MS = 25_000;

/**
 * Poll the stories that are not live: now, at each interval, and when the page becomes visible. Resolves when all are live.
 *
 * @param {string} server
 * @param {Set<Discussion>} stories
 * @param {() => void} onServerBack called when the server responds again after a failure
 * @returns {Promise<void>}
 */
export async function startPolling(server, stories, onServerBack) {
  let serverDown = false;
  reportBlockedSocket(server);

  /** Load the live part first: it contains `poll`. @param {Discussion} story */
  const poll = (story) => story.loadLivePart().then(() => story.poll(), () => false);

  for (;;) {
    const notLive = [...stories].filter((each) => !each.live);
    if (!notLive[0]) return;
    if (!document.hidden) {
      const answers = await Promise.all(notLive.map(poll));
      const wasDown = serverDown;
      serverDown = answers.includes(false);
      if (wasDown && !serverDown) onServerBack();
    }
    await nextPoll();
  }
}

/** Wait for the next poll. @returns {Promise<unknown>} */
const nextPoll = () =>
  new Promise((resolve) => {
    setTimeout(resolve, INTERVAL_MS * (0.8 + Math.random() * 0.4));
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
