/**
 * Where no socket opens, each page asks now and then, at a pace of its own.
 *
 * @import {Discussion} from "../discussion"
 */
import { blocked } from "./policy.js";

/** Between two questions, in milliseconds; a fifth more or less, so that pages do not ask in step. */
const PACE = 30_000;

/**
 * @param {string} server
 * @param {Set<Discussion>} stories
 * @param {{back: () => void}} line what to do when the server answers again after it did not
 * @returns {() => void} ends it
 */
export function askAgain(server, stories, { back }) {
  let away = false;
  blocked(server);
  const timer = setInterval(
    async () => {
      if (document.hidden) return;
      const answers = await Promise.all([...stories].map((each) => each.poll()));
      const was = away;
      away = answers.includes(false);
      if (was && !away) back();
    },
    PACE * (0.8 + Math.random() * 0.4),
  );
  return () => clearInterval(timer);
}
