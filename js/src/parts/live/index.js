/**
 * The part for who acts, or stays until something changes.
 *
 * @import {ViewContext, LivePart, Shared} from "../../part-api"
 */
import { burst } from "./reaction-animation.js";
import { newCommentsButton } from "./new-comments.js";
import { addTimeTooltips } from "./time-tooltips.js";
import css from "./style.css";

export { createActions } from "./actions.js";
export { createReducer } from "./comment-reducer.js";
export { STRINGS } from "./strings.js";

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {LivePart}
 */
export function open(frame, tools) {
  frame.style(css);
  const { onRender } = frame;
  const draw = newCommentsButton(frame, tools);
  frame.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(frame.story.state);
  addTimeTooltips(frame, tools);
  return { burst };
}
