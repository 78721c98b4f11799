/**
 * The day and the hour of what was written, for who points at "5 minutes ago". To learn how a language writes dates takes
 * longer than to draw ten comments: only when it is wanted.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

/** @param {ViewContext} frame @param {Shared} tools */
export function addTimeTooltips({ list, t }, { set }) {
  /** @param {any} link the link of a comment's time */
  const name = (link) =>
    link && set(link, "title", new Date(link.dateTime).toLocaleString(t("lang")));
  name(list.querySelector(".time:hover"));
  list.addEventListener("pointerover", ({ target }) => name(/** @type {Element} */ (target).closest(".time")));
}
