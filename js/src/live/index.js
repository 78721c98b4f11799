/**
 * The part for who acts, or stays until something changes.
 *
 * @import {Frame, Lively, Tools} from "../desk"
 */
import { burst } from "./burst.js";
import { newsOf } from "./news.js";
import { nameTimes } from "./times.js";
import css from "./style.css";

export { actsOf } from "./act.js";
export { changesOn } from "./changes.js";
export { WORDS } from "./words.js";

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @returns {Lively}
 */
export function open(frame, tools) {
  frame.style(css);
  frame.also = newsOf(frame, tools);
  frame.also(frame.story.state);
  nameTimes(frame, tools);
  return { burst };
}
