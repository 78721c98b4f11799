/**
 * Lazy part `live`: actions, the comment reducer and live updates of the view.
 *
 * @import {ViewContext, LivePart, Shared} from "../../part-api"
 */
import { newCommentsButton } from "./new-comments.js";
import css from "./style.css";

export { createActions } from "./actions.js";
export { createReducer } from "./comment-reducer.js";
export { STRINGS } from "./strings.js";

/** A part that was loaded before is there within this time, in milliseconds. */
const LOADED_MS = 300;

/**
 * Add live updates to a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {LivePart}
 */
export function open(context, tools) {
  context.style(css);
  const { onRender, tell, explain, withPart, list } = context;
  const button = newCommentsButton(context, tools);
  /** @param {import("../../types").State} state */
  const draw = (state) => {
    button(state);
    // Before that part is loaded, the reaction may be stored.
    context.reacted ||= !!state.optimistic;
    // The part shows the links for readers who reacted.
    if (state.settings?.calls_to_action) context.part("comment-reactions").catch(() => {});
  };
  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  // Offline a part that is not loaded cannot be loaded: say so now, not after a minute of retries.
  context.withPart = (name, work) => {
    let told = false;
    const timer = setTimeout(() => {
      told = !navigator.onLine;
      if (told) tell(explain({ code: "offline" }), true);
    }, LOADED_MS);
    return withPart(name, (part) => {
      clearTimeout(timer);
      // It may be loaded much later, when the reader is doing something else.
      return told || work(part);
    });
  };
  draw(context.story.state);
  return {
    tell(text, loud) {
      const status = /** @type {HTMLElement} */ (list.parentElement?.lastElementChild);
      status.className = loud ? "toast" : "visually-hidden";
      // Another text, so that screen readers announce it again.
      status.textContent = status.textContent === text ? text + "\u00a0" : text;
    },
  };
}
