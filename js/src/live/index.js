/**
 * The part for who acts, or stays until something changes.
 *
 * @import {Frame, Lively, Tools} from "../desk"
 */
import { burst } from "./burst.js";
import { reactionRow } from "./feel.js";
import { newsOf } from "./news.js";
import css from "./style.css";

export { actFor } from "./act.js";
export { changesOn } from "./changes.js";
export { askAgain } from "./poll.js";

/** All that is said here is in the first file. */
export const WORDS = {};

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @returns {Promise<Lively>}
 */
export async function open(frame, tools) {
  frame.style(css);
  // Who shows what changes knows how it does.
  await frame.story.learn();
  return {
    begin: (_, handle) => reactionRow(frame, tools, handle),
    burst,
    newsOf: (list) => newsOf(frame, tools, list),
  };
}
