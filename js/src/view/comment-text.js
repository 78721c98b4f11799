/**
 * A comment's text: a tree of allowed nodes -> elements. No string is ever read as markup, so a server that was
 * broken into can still not run a script in a host page.
 *
 * @import {Comment, TextNode} from "../types"
 */
import { h } from "../dom.js";

const TAGS = /^(p|em|strong|del|code|pre|blockquote|ul|ol|li|br)$/;

/**
 * @param {readonly TextNode[]} pieces
 * @returns {(Node | string)[]}
 */
export const renderText = (pieces) => pieces.map(renderNode);

/** @param {TextNode} piece @returns {Node | string} */
function renderNode(piece) {
  if (!Array.isArray(piece)) return String(piece);
  const [tag, attributes, ...rest] = piece;
  const href = tag === "a" && safeUrl(attributes?.href);
  const known = href || TAGS.test(tag) ? tag : "span";
  return h(/** @type {"p"} */ (known), href && externalLinkAttrs(href), ...renderText(rest));
}

/** The fragment of a comment's address: the only one that is not the page's own. */
export const COMMENT = /^#c-([0-9A-Za-z]{12})$/;

/** What a link has to where a stranger points. @param {string} href */
export const externalLinkAttrs = (href) => ({ href, rel: "nofollow ugc noopener noreferrer" });

/** How a copy is called: by its name, else by its address. @param {Comment["copy"]} [copy] */
export const copyLabel = (copy) => copy?.label || copy?.origin?.replace(/^https?:../, "");

/** The address if it is a web address, else "". @param {unknown} address @param {string} [base] */
export const safeUrl = (address, base) => (address ? parseUrl(address, base)?.href : "") ?? "";

/** @param {unknown} address @param {string} [base] what it may be relative to */
export function parseUrl(address, base) {
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
export function parseStoryUrl(address, base = location.href) {
  const url = address ? parseUrl(address, base) : null;
  const code = /^\/s\/(\w+)\/?$/.exec(url?.pathname ?? "")?.[1];
  return url && code ? { server: url.origin, code } : null;
}
