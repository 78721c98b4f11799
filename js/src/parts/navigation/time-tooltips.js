/**
 * Tooltips with date and time on relative times. Created on hover, because the first date format of a language takes longer
 * than drawing ten comments.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

/** Add a tooltip to each time that is hovered. @param {ViewContext} context @param {Shared} tools */
export function addTimeTooltips({ list, t }, { set }) {
  /** @param {any} link the link of a comment's time */
  const setTitle = (link) =>
    link && set(link, "title", new Date(link.dateTime).toLocaleString(t("lang")));
  setTitle(list.querySelector(".time:hover"));
  list.addEventListener("pointerover", ({ target }) => setTitle(/** @type {Element} */ (target).closest(".time")));
}
