/**
 * A comment's text: a tree of allowed nodes -> elements. No string is ever read as markup, so a server that was
 * broken into can still not run a script in a host page.
 *
 * @import {Piece} from "./types"
 */

const TAGS = new Set("p em strong del code pre blockquote ul ol li br a".split(" "));

/**
 * @param {readonly Piece[]} pieces
 * @returns {(Node | string)[]}
 */
export const draw = (pieces) => pieces.map(drawOne);

/** @param {Piece} piece @returns {Node | string} */
function drawOne(piece) {
  if (!Array.isArray(piece)) return String(piece);
  const [tag, attributes, ...rest] = piece;
  const href = tag === "a" ? safe(attributes?.href) : "";
  const element = document.createElement(
    TAGS.has(tag) && (tag !== "a" || href) ? tag : "span",
  );
  if (href) linkTo(element, href);
  element.append(...draw(rest));
  return element;
}

/** A link to where a stranger points. @param {Element} link @param {string} href */
export function linkTo(link, href) {
  link.setAttribute("href", href);
  link.setAttribute("rel", "nofollow ugc noopener noreferrer");
}

/** The address if it is an absolute web address, else "". @param {unknown} href */
export function safe(href) {
  try {
    const url = new URL(String(href));
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}
