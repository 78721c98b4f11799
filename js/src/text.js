/**
 * A comment's text: a tree of allowed nodes -> elements. No string is ever read as markup, so a server that was
 * broken into can still not run a script in a host page.
 *
 * @import {Comment, Piece} from "./types"
 */
import { h } from "./dom.js";

const TAGS = /^(p|em|strong|del|code|pre|blockquote|ul|ol|li|br)$/;

/**
 * @param {readonly Piece[]} pieces
 * @returns {(Node | string)[]}
 */
export const draw = (pieces) => pieces.map(drawOne);

/** @param {Piece} piece @returns {Node | string} */
function drawOne(piece) {
  if (!Array.isArray(piece)) return String(piece);
  const [tag, attributes, ...rest] = piece;
  const href = tag === "a" && safe(attributes?.href);
  const known = href || TAGS.test(tag) ? tag : "span";
  return h(/** @type {"p"} */ (known), href && outward(href), ...draw(rest));
}

/** The fragment of a comment's address: the only one that is not the page's own. */
export const COMMENT = /^#c-([0-9A-Za-z]{12})$/;

/** What a link has to where a stranger points. @param {string} href */
export const outward = (href) => ({ href, rel: "nofollow ugc noopener noreferrer" });

/** How a copy is called: by its name, else by its address. @param {Comment["copy"]} [copy] */
export const placeOf = (copy) => copy?.label || copy?.origin?.replace(/^https?:../, "");

/** The address if it is a web address, else "". @param {unknown} address @param {string} [base] */
export const safe = (address, base) => (address ? parse(address, base)?.href : "") ?? "";

/** @param {unknown} address @param {string} [base] what it may be relative to */
export function parse(address, base) {
  try {
    const url = new URL(/** @type {string} */ (address), base);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/**
 * The server and the story's code that an address like `https://widgets.example/s/CODE` names.
 *
 * @param {unknown} address
 * @param {string} [base]
 */
export function whereTo(address, base = location.href) {
  const url = address ? parse(address, base) : null;
  const code = /^\/s\/(\w+)\/?$/.exec(url?.pathname ?? "")?.[1];
  return url && code ? { server: url.origin, code } : null;
}
