/**
 * The part for who acts, or stays until something changes.
 *
 * @import {ViewContext, LivePart, Shared} from "../desk"
 */
import { burst } from "./burst.js";
import { newCommentsButton } from "./news.js";
import { addTimeTooltips } from "./times.js";
import css from "./style.css";

export { createActions } from "./act.js";
export { createReducer } from "./changes.js";
export { STRINGS } from "./words.js";

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {LivePart}
 */
export function open(frame, tools) {
  frame.style(css);
  frame.onRender = newCommentsButton(frame, tools);
  frame.onRender(frame.story.state);
  addTimeTooltips(frame, tools);
  return { burst };
}
