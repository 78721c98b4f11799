/**
 * Lazy part `live`: actions, the comment reducer and live updates of the view.
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
 * Add live updates to a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {LivePart}
 */
export function open(context, tools) {
  context.style(css);
  const { onRender } = context;
  const button = newCommentsButton(context, tools);
  /** @param {import("../../types").State} state */
  const draw = (state) => {
    button(state);
    // The part shows the links for readers who reacted.
    if (state.settings?.calls_to_action) context.part("comment-reactions").catch(() => {});
  };
  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(context.story.state);
  addTimeTooltips(context, tools);
  return { burst };
}
