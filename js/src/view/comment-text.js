/**
 * Render a comment's text: a tree of allowed nodes becomes elements. No string is parsed as markup, so even a compromised
 * server cannot run scripts in a host page. Also the checks of addresses.
 *
 * @import {Comment, TextNode} from "../types"
 */
import { h } from "../dom.js";

const TAGS = /^(p|em|strong|del|code|pre|blockquote|ul|ol|li|br)$/;

/**
 * Return the DOM nodes of a text.
 *
 * @param {readonly TextNode[]} nodes
 * @returns {(Node | string)[]}
 */
export const renderText = (nodes) => nodes.map(renderNode);

/** @param {TextNode} node @returns {Node | string} */
function renderNode(node) {
  if (!Array.isArray(node)) return String(node);
  const [tag, attributes, ...children] = node;
  const href = tag === "a" && safeUrl(attributes?.href);
  const allowed = href || TAGS.test(tag) ? tag : "span";
  return h(/** @type {"p"} */ (allowed), href && externalLinkAttrs(href), ...renderText(children));
}

/** Fragment of a comment's address. All other fragments belong to the page. */
export const COMMENT = /^#c-(\w{12})$/;

/** Return the attributes of a link that a reader wrote. @param {string} href */
export const externalLinkAttrs = (href) => ({ href, rel: "nofollow ugc noopener noreferrer" });

/** Return a copy's label, else its origin without the scheme. @param {Comment["copy"]} [copy] */
export const copyLabel = (copy) => copy?.label || copy?.origin?.replace(/^https?:../, "");

/** Return the address if it is http or https, else "". @param {unknown} address @param {string} [base] */
export const safeUrl = (address, base) => (address ? parseUrl(address, base)?.href : "") ?? "";

/** Return the URL if it is http or https, else null. @param {unknown} address @param {string} [base] base of relative addresses */
export function parseUrl(address, base) {
  try {
    const url = new URL(/** @type {string} */ (address), base);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/**
 * Return the server's origin and the story's code of an address like `https://widgets.example/s/CODE`, else null.
 *
 * @param {unknown} address
 * @param {string} [base]
 */
export function parseStoryUrl(address, base = location.href) {
  const url = address ? parseUrl(address, base) : null;
  const code = /^\/s\/(\w+)\/?$/.exec(url?.pathname ?? "")?.[1];
  return url && code ? { server: url.origin, code } : null;
}
