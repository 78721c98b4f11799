/**
 * A reaction's face: drawn from the paths that come with the settings, or its emoji.
 *
 * @import {Reaction} from "../types"
 */
import { h, set } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {Reaction} reaction @returns {HTMLElement} */
export function reactionIcon({ face, emoji }) {
  const holder = h("span", { class: "icon", "aria-hidden": "true" });
  if (face) {
    const drawing = document.createElementNS(SVG, "svg");
    set(drawing, "viewBox", "0 0 24 24");
    const [shape, line, fill] = face;
    for (const d of [shape, line]) {
      const path = document.createElementNS(SVG, "path");
      set(path, "d", d);
      set(path, "fill", d === shape ? fill : "none");
      drawing.append(path);
    }
    holder.append(drawing);
  } else holder.append(emoji);
  return holder;
}
