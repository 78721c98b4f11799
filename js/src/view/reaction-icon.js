/**
 * A reaction's icon: two paths that come with the settings, cut out of two boxes by the style sheet, or an emoji.
 *
 * @import {Reaction} from "../types"
 */
import { h } from "../dom.js";

/**
 * Gives an element the paths and the colour of a reaction, as custom properties: `.icon` and `.chip` in it show them.
 *
 * The CSS object model takes them under every Content-Security-Policy, and a value that is no path shows nothing.
 *
 * @param {HTMLElement} element
 * @param {Reaction} reaction
 */
export function paintReaction(element, { face }) {
  face?.forEach((value, i) =>
    // In brackets: the build shortens a member of ours that is called like that.
    element["style"].setProperty(/** @type {string} */ (["--shape", "--mark", "--fill"][i]), i < 2 ? `path("${value}")` : value),
  );
}

/** Returns what shows the reaction that an element around it was given. @param {Reaction} reaction @returns {HTMLElement} */
export const reactionIcon = ({ face, emoji }) =>
  h("span", { class: "icon", "aria-hidden": "true" }, !face && emoji);
