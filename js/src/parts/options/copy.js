/**
 * Copy a text to the clipboard.
 *
 * @import {Shared} from "../../part-api"
 */

/**
 * Copy a text. If the page may not write to the clipboard, show the text selected in a field.
 *
 * @param {string} text
 * @param {Element} place element that receives the field
 * @param {string} label
 * @param {Shared} tools
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copy(text, place, label, { h }) {
  place.querySelector(".copy-field")?.remove();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // In iframes and on pages without https: `execCommand`.
    const root = /** @type {ShadowRoot} */ (place.getRootNode());
    const before = /** @type {HTMLElement | null} */ (root.activeElement);
    const field = h("input", { "aria-label": label, class: "copy-field", value: text, readonly: true, dir: "ltr" });
    place.append(field);
    field.select();
    if (!document.execCommand("copy")) return false;
    before?.focus();
    field.remove();
    return true;
  }
}
