/**
 * Icon of a reaction: an SVG from the paths in the settings, or the emoji.
 *
 * @import {Reaction} from "../types"
 */
import { h, set } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** Create the icon of a reaction. @param {Reaction} reaction @returns {HTMLElement} */
export function reactionIcon({ face, emoji }) {
  const holder = h("span", { class: "icon", "aria-hidden": "true" });
  if (face) {
    const svg = document.createElementNS(SVG, "svg");
    set(svg, "viewBox", "0 0 24 24");
    const [shape, line, fill] = face;
    for (const d of [shape, line]) {
      const path = document.createElementNS(SVG, "path");
      set(path, "d", d);
      set(path, "fill", d === shape ? fill : "none");
      svg.append(path);
    }
    holder.append(svg);
  } else holder.append(emoji);
  return holder;
}
