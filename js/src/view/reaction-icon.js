/**
 * Icon of a reaction: two paths from the settings, which the style sheet cuts out of two boxes, or an emoji.
 *
 * @import {Reaction} from "../types"
 */
import { h } from "../dom.js";

/**
 * Give an element the paths and the colour of a reaction, as custom properties for `.icon` and `.chip` in it.
 *
 * The CSS object model is allowed under every Content-Security-Policy. A value that is not a path draws nothing.
 *
 * @param {HTMLElement} element
 * @param {Reaction} reaction
 */
export function paintReaction(element, { face }) {
  face?.forEach((value, i) =>
    // In brackets: the build shortens our own member of that name.
    element["style"].setProperty(/** @type {string} */ (["--shape", "--mark", "--fill"][i]), i < 2 ? `path("${value}")` : value),
  );
}

/** Create the icon of a reaction. An element around it was given to `paintReaction`. @param {Reaction} reaction @returns {HTMLElement} */
export const reactionIcon = ({ face, emoji }) =>
  h("span", { class: "icon", "aria-hidden": "true" }, !face && emoji);
