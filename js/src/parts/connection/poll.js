/**
 * Where no socket opens, each page asks now and then, at a pace of its own.
 *
 * @import {Discussion} from "../../discussion"
 */
import { reportBlockedSocket } from "../../csp.js";

/** Between two questions, in milliseconds; a fifth more or less, so that pages do not ask in step. */
const INTERVAL_MS = 25_000;

/**
 * Asks for those that are not live: at once, then at that pace, and when the page is seen again. Resolves when there is
 * none any more.
 *
 * @param {string} server
 * @param {Set<Discussion>} stories
 * @param {() => void} onServerBack called when the server answers again after it did not
 * @returns {Promise<void>}
 */
export async function startPolling(server, stories, onServerBack) {
  let serverDown = false;
  reportBlockedSocket(server);

  /** No one may have come near yet: what it takes to ask is learnt before. @param {Discussion} story */
  const poll = (story) => story.loadLivePart().then(() => story.poll(), () => false);

  for (;;) {
    const left = [...stories].filter((each) => !each.live);
    if (!left[0]) return;
    if (!document.hidden) {
      const answers = await Promise.all(left.map(poll));
      const was = serverDown;
      serverDown = answers.includes(false);
      if (was && !serverDown) onServerBack();
    }
    await rest();
  }
}

/** Until it is time to ask again. @returns {Promise<unknown>} */
const rest = () =>
  new Promise((resolve) => {
    setTimeout(resolve, INTERVAL_MS * (0.8 + Math.random() * 0.4));
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
