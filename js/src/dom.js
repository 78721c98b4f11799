/**
 * Elements without markup: nothing here takes a string that could be read as HTML.
 */

let lastId = 0;
/** An id that no other element of any widget on this page has. */
export const newId = () => "w" + ++lastId;

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)> | null | false | ""} [attributes]
 *   `onclick` and the like are listeners; `false`, `null` and `undefined` leave the attribute away
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function set(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : /** @type {string} */ (value));
}

/**
 * Writes what differs from what was written before: a text that is written is news to a screen reader, and one that a browser has
 * translated stays translated.
 *
 * @param {any} node of which no one else writes the text
 * @param {string} text
 */
export function setText(node, text) {
  if (node.was !== text) node.textContent = node.was = text;
}

/**
 * Makes `parent` hold exactly `wanted`, moving as little as possible: what is moved loses focus and selection.
 *
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function setChildren(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child) && !child.matches(".fold")) child.remove();
  let place = parent.firstElementChild;
  for (const child of wanted) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, string>} [attributes]
 */
export const button = (text, onclick, attributes) =>
  h("button", { type: "button", onclick, ...attributes }, text);

/**
 * @param {number} level
 * @param {Record<string, string>} [attributes]
 * @param {...Node} children
 */
export const heading = (level, attributes, ...children) =>
  h(/** @type {"h2"} */ ("h" + Math.min(6, level)), attributes, ...children);
