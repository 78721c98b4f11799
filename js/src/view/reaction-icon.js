/**
 * Icon of a reaction: two paths from the settings, which the style sheet cuts out of two boxes, or an emoji.
 *
 * @import {Reaction} from "../types"
 */
import { h } from "../dom.js";

/**
 * Give an element the paths and the colour of a reaction, as custom properties for `.icon` and `.chip` in it.
 *
 * The CSS object model is allowed under every Content-Security-Policy. A value that is no path shows nothing.
 *
 * @param {HTMLElement} element
 * @param {Reaction} reaction
 */
export function paintReaction(element, { face }) {
  for (const [name, value] of [
    ["shape", face && `path("${face[0]}")`],
    ["mark", face && `path("${face[1]}")`],
    ["fill", face?.[2] ?? "var(--accent)"],
  ]) {
    // In brackets: the build shortens our own member of that name.
    element["style"].setProperty("--" + name, value ?? null);
  }
}

/** Returns what shows the reaction that an element around it was given. @param {Reaction} reaction @returns {HTMLElement} */
export const reactionIcon = ({ face, emoji }) =>
  h("span", { class: "icon", "aria-hidden": "true" }, !face && emoji);
